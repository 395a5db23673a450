"""Makes tokens of any shape, also those no honest issuer makes, signed with the key the gateway trusts."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest

from gateway.clock import ManualClock, SystemClock
from gateway.errors import TokenRefused
from gateway.reasons import Reason
from gateway.secret import Secret
from gateway.tokens.access import AccessSubject, AccessTokens
from gateway.tokens.keys import KeyRing
from gateway.tokens.refresh import RefreshTokens

MATERIAL = hashlib.sha384(b"a secret for tests").digest()
SECRET = base64.b64encode(MATERIAL).decode()
OLD_SECRET = base64.b64encode(hashlib.sha384(b"the secret before").digest()).decode()
RING = KeyRing.from_secret(Secret(SECRET), [Secret(OLD_SECRET)])
KID = RING.active.kid
ISSUER = "gateway"
TTL = 1800
NOW = int(SystemClock().now())  # the machine's time, because PyJWT, which we compare with, takes no other
USER = "6f1c8d3e-2b7a-4c59-9d0e-1a2b3c4d5e6f"
SUBJECT = AccessSubject(USER, "ann@example.com", "Ann Ünal 👩‍🚀", "user", "session-1")

HEADER: dict[str, Any] = {"alg": "HS256", "typ": "at+jwt", "kid": KID}
CLAIMS: dict[str, Any] = {
    "sub": USER,
    "user_id": USER,
    "email": "ann@example.com",
    "display_name": "Ann",
    "role": "user",
    "token_type": "access",
    "iss": ISSUER,
    "iat": NOW,
    "exp": NOW + TTL,
    "jti": "token-1",
    "sid": "session-1",
}


def access_tokens(ring: KeyRing = RING, clock: ManualClock | None = None, **options: Any) -> AccessTokens:
    settings: dict[str, Any] = {"issuer": ISSUER, "audience": None, "ttl": TTL, **options}
    return AccessTokens(ring, clock=clock or ManualClock(NOW), **settings)


def refresh_tokens(ring: KeyRing = RING) -> RefreshTokens:
    return RefreshTokens(ring, issuer=ISSUER)


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def raw(value: dict[str, Any] | bytes) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def sealed(header: dict[str, Any] | bytes, payload: dict[str, Any] | bytes, key: bytes = MATERIAL) -> bytes:
    """A compact JWS over exactly these bytes, signed with HMAC-SHA256 whatever the header says."""
    signing_input = b64(raw(header)) + b"." + b64(raw(payload))
    return signing_input + b"." + b64(hmac.digest(key, signing_input, "sha256"))


def with_header(**changes: Any) -> bytes:
    return sealed({**HEADER, **changes}, CLAIMS)


def with_claims(**changes: Any) -> bytes:
    return sealed(HEADER, {**CLAIMS, **changes})


def without(name: str) -> bytes:
    """The good token less one claim or header key."""
    return sealed({k: v for k, v in HEADER.items() if k != name}, {k: v for k, v in CLAIMS.items() if k != name})


def payload_with(member: str) -> bytes:
    """The good claims as JSON text with `member` (raw JSON) written after them."""
    return raw(CLAIMS)[:-1] + b"," + member.encode() + b"}"


def refusal(token: bytes, tokens: AccessTokens | None = None) -> Reason:
    """Why the token is refused; fails when it is not."""
    with pytest.raises(TokenRefused) as refused:
        (tokens or access_tokens()).verify(token)
    return refused.value.reason


def pyjwt_accepts(token: bytes) -> bool:
    """Whether PyJWT, used as its documentation recommends, takes the token."""
    required = ["exp", "iat", "iss", "sub", "jti"]
    try:
        jwt.decode(token, MATERIAL, algorithms=["HS256"], issuer=ISSUER, options={"require": required})
    except jwt.PyJWTError:
        return False
    return True
