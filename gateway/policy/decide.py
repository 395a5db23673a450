"""The verdict on one request."""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.policy.access import (
    AccessAuthenticated,
    AccessOptional,
    AccessPublic,
    AccessRequires,
    Denial,
    PolicyUnsound,
)
from gateway.policy.route import Route
from gateway.principal import Authentication, Principal
from gateway.reasons import Reason


class Decision(NamedTuple):
    """`reason` and `detail` are None when allowed; `principal` is None where nobody is known or asked for.

    A tuple, because one is made for every request and a frozen dataclass costs four times as much.
    """

    allowed: bool
    route: Route
    reason: Reason | None
    detail: str | None
    principal: Principal | None


def decide(route: Route, params: Mapping[str, str], authentication: Authentication) -> Decision:
    """Whether the caller may use the route: allowed only by a rule that says so, never by default."""
    access = route.access
    if isinstance(access, AccessPublic):
        return Decision(True, route, None, None, None)
    if isinstance(authentication, Principal):
        return _decide_known(route, params, authentication)
    reason = authentication.reason
    if isinstance(access, AccessOptional) and reason is Reason.TOKEN_MISSING:
        return Decision(True, route, None, None, None)
    return Decision(False, route, reason, reason.sentence, None)


def _decide_known(route: Route, params: Mapping[str, str], principal: Principal) -> Decision:
    denial = _denial(route, params, principal)
    if denial is None:
        return Decision(True, route, None, None, principal)
    return Decision(False, route, denial.reason, denial.detail, principal)


def _denial(route: Route, params: Mapping[str, str], principal: Principal) -> Denial | None:
    access = route.access
    if isinstance(access, AccessRequires):
        try:
            return access.clause.check(principal, params)
        except PolicyUnsound:
            return _unsound()
    if isinstance(access, AccessAuthenticated | AccessOptional):
        return None
    return _unsound()


def _unsound() -> Denial:
    return Denial(Reason.CLAIM_MISMATCH, "The policy of this route cannot be evaluated")
