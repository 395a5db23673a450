"""Refresh tokens: signed for this purpose only, each the parent of exactly one successor.

The successor's `jti` is a function of the presented one, and its times come from the session store, so the
same token presented again gets the same successor, byte for byte, and nothing but hashes is ever stored.

A session stays with the key it began with: the successor is signed by the key that signed the presented
token, not by the active one. So a replay within the grace window is the same also when the active key changed
in between, on every worker, whichever ring it has loaded. Sessions have an absolute lifetime (`refresh_ttl`),
so a retiring key that is kept that long outlives every session it began; taking it away earlier ends those
sessions, which is what the owner of a leaked key wants.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.errors import TokenRefused
from gateway.reasons import Reason
from gateway.tokens.claims import read_refresh
from gateway.tokens.jws import Signer, check_signature
from gateway.tokens.key import Key
from gateway.tokens.keys import KeyRing
from gateway.tokens.strict import encode_segment, parse_token

REFRESH_TYP: Final = "rt+jwt"


@dataclass(frozen=True, slots=True)
class PresentedRefresh:
    """An authentic refresh token, which may be of any age. Hashes are lower-case hex SHA-256 of a `jti`.

    `issued_at` and `expires_at` in whole seconds since the epoch, as the token says.
    """

    user_id: str
    session_id: str
    generation: int
    token_hash: str
    successor_hash: str
    issued_at: int
    expires_at: int
    _kid: str = field(repr=False)
    _successor_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FirstRefresh:
    """The token of generation 0, and the hash by which the store knows it."""

    token: str = field(repr=False)
    token_hash: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Lineage:
    """What one key of the ring means for refresh tokens."""

    signing: Key
    signer: Signer
    successor: bytes

    @classmethod
    def of(cls, key: Key) -> "_Lineage":
        signing = key.derived("refresh-signature")
        return cls(signing, Signer(signing, REFRESH_TYP), key.derive("refresh-successor"))

    def successor_of(self, token_id: str) -> str:
        return encode_segment(hmac.digest(self.successor, token_id.encode(), "sha256")).decode("ascii")


class RefreshTokens:
    """Issues and reads refresh tokens, without a clock: whether one is too old the session store says."""

    def __init__(self, ring: KeyRing, *, issuer: str, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._issuer = issuer
        self._entropy = entropy
        self._active = ring.active.kid
        # A key without its secret part (a public PEM, retiring) never signed a refresh token.
        self._lineages = {kid: _Lineage.of(key) for kid, key in ring.by_kid.items() if key.material}
        self._keys = {kid: lineage.signing for kid, lineage in self._lineages.items()}

    def first(self, *, user_id: str, session_id: str, issued_at: int, expires_at: int) -> FirstRefresh:
        """Generation 0 of a new session; its `jti` is 256 bits of randomness."""
        token_id = encode_segment(self._entropy(32)).decode("ascii")
        payload = self._payload(user_id, session_id, 0, token_id, issued_at, expires_at)
        return FirstRefresh(self._lineages[self._active].signer.sign(payload), _hash(token_id))

    def read(self, token: str) -> PresentedRefresh:
        """What a token says, once form and signature are proven; TokenRefused before any I/O."""
        try:
            parsed = parse_token(token.encode("ascii"))
        except UnicodeEncodeError:
            raise TokenRefused(Reason.TOKEN_MALFORMED, "not ASCII") from None
        check_signature(parsed, self._keys, REFRESH_TYP)
        claims = read_refresh(parsed.payload, self._issuer)
        successor_id = self._lineages[parsed.kid].successor_of(claims.token_id)
        return PresentedRefresh(
            user_id=claims.user_id,
            session_id=claims.session_id,
            generation=claims.generation,
            token_hash=_hash(claims.token_id),
            successor_hash=_hash(successor_id),
            issued_at=claims.issued_at,
            expires_at=claims.expires_at,
            _kid=parsed.kid,
            _successor_id=successor_id,
        )

    def successor(self, presented: PresentedRefresh, *, issued_at: int, expires_at: int) -> str:
        """The one successor of `presented`: equal arguments give equal bytes, on every worker."""
        payload = self._payload(
            presented.user_id,
            presented.session_id,
            presented.generation + 1,
            presented._successor_id,
            issued_at,
            expires_at,
        )
        return self._lineages[presented._kid].signer.sign(payload)

    def _payload(
        self, user_id: str, session_id: str, generation: int, token_id: str, issued_at: int, expires_at: int
    ) -> dict[str, object]:
        return {
            "token_type": "refresh",
            "user_id": user_id,
            "sid": session_id,
            "gen": generation,
            "jti": token_id,
            "iat": issued_at,
            "exp": expires_at,
            "iss": self._issuer,
        }


def _hash(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()
