"""Typed claims: each one read with its type and its bounds, or the token is refused.

Types are exact: `True` is no integer, `1.0` is none, and a list of one audience is no audience
(RFC 8725 section 3.9).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import TokenRefused
from gateway.principal import Principal
from gateway.reasons import Reason

CLOCK_SKEW: Final = 5
"""Seconds by which `iat` and `nbf` may lie ahead of our clock."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What an access token must say. `ttl` and `leeway` in seconds; `audience` None: no `aud` at all."""

    issuer: str
    audience: str | None
    ttl: int
    leeway: int


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """The claims of a refresh token; times in whole seconds since the epoch."""

    user_id: str
    session_id: str
    generation: int
    token_id: str
    issued_at: int
    expires_at: int


def read_access(payload: Mapping[str, Any], rules: AccessRules, now: float) -> Principal:
    """The caller an access token of ours speaks for; TOKEN_WRONG_TYPE, TOKEN_EXPIRED or TOKEN_INVALID."""
    _require_kind(payload, "access")
    _require(payload.get("iss") == rules.issuer, "iss is not ours")
    if rules.audience is None:
        _require("aud" not in payload, "aud is not asked for")
    else:
        _require(payload.get("aud") == rules.audience, "aud is not ours")
    user_id = uuid(payload, "user_id")
    _require(payload.get("sub") == user_id, "sub is not user_id")
    email, name = text(payload, "email"), text(payload, "display_name", may_be_empty=True)
    role, session_id, token_id = text(payload, "role"), text(payload, "sid"), text(payload, "jti")
    expires_at = _lifetime(payload, rules.ttl, now)
    if expires_at <= now - rules.leeway:
        raise TokenRefused(Reason.TOKEN_EXPIRED, "exp has passed")
    return Principal(
        subject=user_id,
        issuer=rules.issuer,
        roles=(role,),
        expires_at=expires_at,
        session_id=session_id,
        token_id=token_id,
        email=email,
        display_name=name,
        claims=payload,
    )


def _lifetime(payload: Mapping[str, Any], ttl: int, now: float) -> int:
    issued_at, expires_at = integer(payload, "iat"), integer(payload, "exp")
    _require(0 < expires_at - issued_at <= ttl, "exp is not within the lifetime we give")
    _require(issued_at <= now + CLOCK_SKEW, "iat lies ahead")
    if "nbf" in payload:
        _require(integer(payload, "nbf") <= now + CLOCK_SKEW, "nbf lies ahead")
    return expires_at


def read_refresh(payload: Mapping[str, Any], issuer: str) -> RefreshClaims:
    """The claims of a refresh token of ours, however old: its lifetime is the session store's to judge."""
    _require_kind(payload, "refresh")
    _require(payload.get("iss") == issuer, "iss is not ours")
    return RefreshClaims(
        user_id=uuid(payload, "user_id"),
        session_id=text(payload, "sid"),
        generation=integer(payload, "gen"),
        token_id=text(payload, "jti"),
        issued_at=integer(payload, "iat"),
        expires_at=integer(payload, "exp"),
    )


def is_printable(value: str) -> bool:
    """No control character, line separator or lone surrogate: safe in a header, a log line, a database."""
    return _UNPRINTABLE.search(value) is None


def text(payload: Mapping[str, Any], name: str, *, may_be_empty: bool = False) -> str:
    """The printable string claim `name`."""
    value = payload.get(name)
    if not isinstance(value, str) or not (value or may_be_empty) or not is_printable(value):
        raise TokenRefused(Reason.TOKEN_INVALID, f"{name} is not printable text")
    return value


def uuid(payload: Mapping[str, Any], name: str) -> str:
    """The claim `name`, a UUID in its canonical lower-case form (RFC 9562 section 4)."""
    value = payload.get(name)
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise TokenRefused(Reason.TOKEN_INVALID, f"{name} is not a UUID")
    return value


def integer(payload: Mapping[str, Any], name: str) -> int:
    """The non-negative integer claim `name`."""
    value = payload.get(name)
    if type(value) is not int or value < 0:
        raise TokenRefused(Reason.TOKEN_INVALID, f"{name} is not a non-negative integer")
    return value


def _require_kind(payload: Mapping[str, Any], kind: str) -> None:
    if payload.get("token_type") != kind:
        raise TokenRefused(Reason.TOKEN_WRONG_TYPE, f"token_type is not {kind}")


def _require(holds: bool, why: str) -> None:
    if not holds:
        raise TokenRefused(Reason.TOKEN_INVALID, why)
