"""The clauses of `access`, one by one."""

import pytest

from gateway.policy.access import (
    AccessAuthenticated,
    AccessOptional,
    AccessPublic,
    AccessRequires,
    AllOf,
    AnyOf,
    Claim,
    Clause,
    Denial,
    Issuer,
    Not,
    Owner,
    PolicyUnsound,
    Roles,
    Scopes,
)
from gateway.policy.claims import Scalar
from gateway.policy.roles import RoleGraph
from gateway.principal import Principal
from gateway.reasons import Reason
from tests.policy.builders import principal

GRAPH = RoleGraph({"admin": ("user",)})
USER, ADMIN = Roles.any_of(["user"], GRAPH), Roles.any_of(["admin"], GRAPH)
OWN = {"id": "7"}
OTHER = {"id": "8"}

HOLDS: dict[str, tuple[Clause, Principal]] = {
    "role": (USER, principal("user")),
    "one of several roles": (Roles.any_of(["a", "b"], GRAPH), principal("x", "b")),
    "a role that includes it": (USER, principal("admin")),
    "all scopes": (Scopes(("read", "write")), principal(scopes="write read more")),
    "claim": (Claim("team", ("blue",)), principal(team="blue")),
    "one of several values": (Claim("team", ("red", "blue")), principal(team="blue")),
    "nested claim": (Claim("realm.team", ("blue",)), principal(realm={"team": "blue"})),
    "list claim": (Claim("teams", ("blue",)), principal(teams=["red", "blue"])),
    "claim named like a URL": (
        Claim("https://a.example/team", ("x",)),
        principal(**{"https://a.example/team": "x"}),
    ),
    "false claim": (Claim("banned", (False,)), principal(banned=False)),
    "null claim": (Claim("team", (None,)), principal(team=None)),
    "owner": (Owner("id"), principal()),
    "issuer": (Issuer("gateway"), principal()),
    "first of any": (AnyOf((USER, Owner("id"))), principal("user", subject="9")),
    "second of any": (AnyOf((ADMIN, Owner("id"))), principal("user")),
    "all": (AllOf((USER, Owner("id"))), principal("user")),
    "not": (Not(Claim("banned", (True,))), principal()),
    "not not": (Not(Not(USER)), principal("user")),
}

FAILS: dict[str, tuple[Clause, Principal, Reason]] = {
    "no role": (USER, principal(), Reason.ROLE_MISSING),
    "included role is not enough": (ADMIN, principal("user"), Reason.ROLE_MISSING),
    "roles are case-sensitive": (ADMIN, principal("Admin"), Reason.ROLE_MISSING),
    "empty list of roles": (Roles.any_of([], GRAPH), principal("admin"), Reason.ROLE_MISSING),
    "one scope of two": (Scopes(("read", "write")), principal(scopes="read"), Reason.SCOPE_MISSING),
    "empty list of scopes": (Scopes(()), principal(scopes="read"), Reason.SCOPE_MISSING),
    "absent claim": (Claim("team", ("blue",)), principal(), Reason.CLAIM_MISMATCH),
    "absent claim where null is asked": (Claim("team", (None,)), principal(), Reason.CLAIM_MISMATCH),
    "other value": (Claim("team", ("blue",)), principal(team="red"), Reason.CLAIM_MISMATCH),
    "part of a value": (Claim("team", ("blue",)), principal(team="blues"), Reason.CLAIM_MISMATCH),
    "1 for true": (Claim("vip", (True,)), principal(vip=1), Reason.CLAIM_MISMATCH),
    "true for 1": (Claim("level", (1,)), principal(level=True), Reason.CLAIM_MISMATCH),
    "1.0 for 1": (Claim("level", (1,)), principal(level=1.0), Reason.CLAIM_MISMATCH),
    "text for a number": (Claim("level", (1,)), principal(level="1"), Reason.CLAIM_MISMATCH),
    "empty list claim": (Claim("teams", ("blue",)), principal(teams=[]), Reason.CLAIM_MISMATCH),
    "list in a list": (Claim("teams", ("blue",)), principal(teams=[["blue"]]), Reason.CLAIM_MISMATCH),
    "keys are not values": (Claim("teams", ("blue",)), principal(teams={"blue": 1}), Reason.CLAIM_MISMATCH),
    "path through text": (Claim("team.x", ("b",)), principal(team="blue"), Reason.CLAIM_MISMATCH),
    "no values": (Claim("team", ()), principal(team="blue"), Reason.CLAIM_MISMATCH),
    "not the owner": (Owner("id"), principal(subject="8"), Reason.NOT_OWNER),
    "owner in another case": (Owner("id"), principal(subject="７"), Reason.NOT_OWNER),
    "other issuer": (Issuer("https://id.example"), principal(), Reason.CLAIM_MISMATCH),
    "none of any": (AnyOf((ADMIN, Owner("id"))), principal(subject="8"), Reason.ROLE_MISSING),
    "any of nothing": (AnyOf(()), principal("admin"), Reason.CLAIM_MISMATCH),
    "all of nothing": (AllOf(()), principal("admin"), Reason.CLAIM_MISMATCH),
    "all but one": (AllOf((USER, Owner("id"))), principal("user", subject="8"), Reason.NOT_OWNER),
    "not": (Not(USER), principal("user"), Reason.CLAIM_MISMATCH),
    "not any": (Not(AnyOf((ADMIN, USER))), principal("user"), Reason.CLAIM_MISMATCH),
}


@pytest.mark.parametrize(("clause", "caller"), HOLDS.values(), ids=HOLDS)
def test_holds(clause: Clause, caller: Principal) -> None:
    assert clause.check(caller, OWN) is None


@pytest.mark.parametrize(("clause", "caller", "reason"), FAILS.values(), ids=FAILS)
def test_fails(clause: Clause, caller: Principal, reason: Reason) -> None:
    denial = clause.check(caller, OWN)
    assert denial is not None
    assert denial.reason is reason
    assert denial.detail


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (["admin"], "Admin access required"),
        (["user"], "Requires role user"),
        (["b", "a"], "Requires role b or a"),
        (["admin", "user"], "Requires role admin or user"),
        (["a", "b", "c"], "Requires role a or b or c"),
    ],
)
def test_a_missing_role_is_said_in_the_published_sentence(wanted: list[str], sentence: str) -> None:
    assert Roles.any_of(wanted, GRAPH).check(principal(), {}) == Denial(Reason.ROLE_MISSING, sentence)


def test_any_gives_the_reason_of_the_alternative_that_came_closest() -> None:
    far = AllOf((ADMIN, Scopes(("x",))))
    near = AllOf((USER, Issuer("gateway"), Owner("id")))
    denial = AnyOf((far, near)).check(principal("user"), OTHER)
    assert denial == Denial(Reason.NOT_OWNER, Reason.NOT_OWNER.sentence, held=2)


def test_among_equals_any_gives_the_first_as_written() -> None:
    denial = AnyOf((Owner("id"), ADMIN)).check(principal("user"), OTHER)
    assert denial is not None
    assert denial.reason is Reason.NOT_OWNER


def test_a_parameter_that_is_not_there_cannot_be_negated_into_consent() -> None:
    for clause in (Owner("user"), Not(Owner("user")), AnyOf((Not(Owner("user")), USER))):
        with pytest.raises(PolicyUnsound):
            clause.check(principal("user"), OWN)


def test_nobody_owns_the_empty_name() -> None:
    assert Owner("id").check(principal(subject=""), {"id": ""}) is not None


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (AccessPublic(), "public"),
        (AccessOptional(), "optional"),
        (AccessAuthenticated(), "authenticated"),
        (AccessRequires(Roles.any_of(["a", "b"], GRAPH)), "role a or b"),
        (AccessRequires(AllOf((ADMIN, Owner("id")))), "role admin and owner of {id}"),
        (
            AccessRequires(AnyOf((AllOf((USER, Scopes(("x", "y")))), ADMIN))),
            "(role user and scope x and y or role admin)",
        ),
        (AccessRequires(Not(Claim("team", ("red", 1)))), "not (claim team = 'red' or 1)"),
        (AccessRequires(Issuer("https://id.example")), "issuer https://id.example"),
    ],
)
def test_in_words(access: AccessPublic | AccessRequires, words: str) -> None:
    assert access.describe() == words


def test_what_is_read_from_the_path() -> None:
    nested = AccessRequires(AnyOf((Not(AllOf((Owner("a"), USER))), Owner("b"), Issuer("x"))))
    assert nested.reads() == {"a", "b"}
    assert AccessPublic().reads() == AccessRequires(Claim("id", ("x",))).reads() == frozenset()


@pytest.mark.parametrize(
    "seen", [float("nan"), object(), {"a": 1}, b"blue"], ids=["nan", "object", "object claim", "bytes"]
)
@pytest.mark.parametrize("wanted", ["blue", 1, True, None])
def test_odd_claims_equal_nothing(seen: object, wanted: Scalar) -> None:
    assert Claim("team", (wanted,)).check(principal(team=seen), {}) is not None
