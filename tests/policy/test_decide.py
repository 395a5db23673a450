"""Verdicts."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.policy.access import (
    Access,
    AccessAuthenticated,
    AccessOptional,
    AccessPublic,
    AccessRequires,
    Not,
    Owner,
)
from gateway.policy.decide import Decision, decide
from gateway.principal import Anonymous, Authentication
from gateway.reasons import Reason
from tests.policy.builders import ADMIN, OWNER, principal, route

CALLER = principal("user")
ROOT = principal("admin")
NOBODY = Anonymous()
BAD = Anonymous(Reason.TOKEN_EXPIRED)
PUBLIC, OPTIONAL, AUTHENTICATED = AccessPublic(), AccessOptional(), AccessAuthenticated()

ALLOWED: list[tuple[Access, Authentication, bool]] = [
    (PUBLIC, NOBODY, False),
    (PUBLIC, BAD, False),
    (PUBLIC, CALLER, False),
    (OPTIONAL, NOBODY, False),
    (OPTIONAL, CALLER, True),
    (AUTHENTICATED, CALLER, True),
    (ADMIN, ROOT, True),
    (OWNER, CALLER, True),
]

DENIED: list[tuple[Access, Authentication, Reason]] = [
    (AUTHENTICATED, NOBODY, Reason.TOKEN_MISSING),
    (AUTHENTICATED, BAD, Reason.TOKEN_EXPIRED),
    (OPTIONAL, BAD, Reason.TOKEN_EXPIRED),
    (OPTIONAL, Anonymous(Reason.TOKEN_REVOKED), Reason.TOKEN_REVOKED),
    (ADMIN, NOBODY, Reason.TOKEN_MISSING),
    (ADMIN, BAD, Reason.TOKEN_EXPIRED),
    (ADMIN, CALLER, Reason.ROLE_MISSING),
    (ADMIN, Anonymous(Reason.ISSUER_UNKNOWN), Reason.ISSUER_UNKNOWN),
]


@pytest.mark.parametrize(("access", "authentication", "known"), ALLOWED)
def test_allowed(access: Access, authentication: Authentication, known: bool) -> None:
    one = route("/u/{id}", access=access)
    who = authentication if known else None
    assert decide(one, {"id": "7"}, authentication) == Decision(True, one, None, None, cast(Any, who))


@pytest.mark.parametrize(("access", "authentication", "reason"), DENIED)
def test_denied(access: Access, authentication: Authentication, reason: Reason) -> None:
    decision = decide(route("/u/{id}", access=access), {"id": "7"}, authentication)
    assert (decision.allowed, decision.reason) == (False, reason)


def test_a_denial_names_the_caller_for_the_log_and_the_cause_for_the_caller() -> None:
    decision = decide(route("/a", access=ADMIN), {}, CALLER)
    assert (decision.principal, decision.detail) == (CALLER, "Admin access required")
    assert decide(route("/a", access=ADMIN), {}, BAD).detail == "Token has expired"


@pytest.mark.parametrize("authentication", [NOBODY, BAD, CALLER, ROOT], ids=["nobody", "bad", "user", "admin"])
@pytest.mark.parametrize("access", [None, "public", True, object(), SimpleNamespace(describe=lambda: "public")])
def test_an_access_nobody_knows_lets_nobody_in(access: Any, authentication: Authentication) -> None:
    decision = decide(route("/a", access=access), {}, authentication)
    assert not decision.allowed
    assert decision.reason is not None


@pytest.mark.parametrize("clause", [Owner("id"), Not(Owner("id"))], ids=["owner", "not owner"])
def test_a_clause_that_cannot_be_evaluated_lets_nobody_in(clause: Owner | Not) -> None:
    decision = decide(route("/a", access=AccessRequires(clause)), {}, ROOT)
    assert (decision.allowed, decision.reason) == (False, Reason.CLAIM_MISMATCH)
