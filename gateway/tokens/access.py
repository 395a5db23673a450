"""Access tokens (RFC 9068 profile): issue, and verify at the cost of a look-up when seen before."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NoReturn

from gateway.clock import Clock
from gateway.errors import TokenRefused
from gateway.principal import Principal
from gateway.reasons import Reason
from gateway.tokens.cache import VerifiedTokens, digest_of
from gateway.tokens.claims import AccessRules, is_printable, read_access
from gateway.tokens.jws import Signer, check_signature
from gateway.tokens.keys import KeyRing
from gateway.tokens.strict import ParsedToken, encode_segment, parse_token

ACCESS_TYP: Final = "at+jwt"


@dataclass(frozen=True, slots=True)
class AccessSubject:
    """Who an access token is for. `user_id` is a UUID in canonical form; all texts are printable."""

    user_id: str
    email: str
    display_name: str
    role: str
    session_id: str


@dataclass(frozen=True, slots=True)
class IssuedAccess:
    """`expires_in` in seconds, `expires_at` in seconds since the epoch."""

    token: str = field(repr=False)
    expires_in: int
    expires_at: int


class AccessTokens:
    """Issues and verifies the access tokens of one issuer (ourselves) with one key ring.

    `ttl` is the lifetime in seconds: no token that claims a longer one is accepted. `leeway`, in seconds too,
    applies to `exp` only.
    """

    def __init__(
        self,
        ring: KeyRing,
        *,
        issuer: str,
        audience: str | None,
        ttl: int,
        clock: Clock,
        cache_size: int = 10_000,
        leeway: int = 0,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._keys = ring.by_kid
        self._signer = Signer(ring.active, ACCESS_TYP)
        self._rules = AccessRules(issuer, audience, ttl, leeway)
        self._clock = clock
        self._verified = VerifiedTokens(cache_size)
        self._entropy = entropy

    def issue(self, subject: AccessSubject) -> IssuedAccess:
        """A new token for `subject`, valid from now on. ValueError for text that no token may carry."""
        if not is_printable(subject.email + subject.display_name + subject.role):
            raise ValueError("a subject's texts must not contain control characters")
        issued_at = int(self._clock.now())
        expires_at = issued_at + self._rules.ttl
        payload: dict[str, object] = {
            "sub": subject.user_id,
            "user_id": subject.user_id,
            "email": subject.email,
            "display_name": subject.display_name,
            "role": subject.role,
            "token_type": "access",
            "iss": self._rules.issuer,
            "iat": issued_at,
            "exp": expires_at,
            "jti": encode_segment(self._entropy(16)).decode("ascii"),
            "sid": subject.session_id,
        }
        if self._rules.audience is not None:
            payload["aud"] = self._rules.audience
        return IssuedAccess(self._signer.sign(payload), self._rules.ttl, expires_at)

    def expired(self, principal: Principal) -> bool:
        """Whether the token that `principal` was verified from has expired since."""
        return principal.expires_at <= self._clock.now() - self._rules.leeway

    def verify(self, token: bytes) -> Principal:
        """The caller the token speaks for; TokenRefused with the reason when it speaks for nobody."""
        digest = digest_of(token)
        principal = self._verified.find(digest)
        if principal is None:
            principal = self._verify_new(token)
            self._verified.add(digest, principal)
        elif self.expired(principal):
            self._verified.discard(digest)
            raise TokenRefused(Reason.TOKEN_EXPIRED, "exp has passed")
        return principal

    def _verify_new(self, token: bytes) -> Principal:
        parsed = parse_token(token)
        if parsed.kid not in self._keys:
            self._refuse_unknown_key(parsed)
        check_signature(parsed, self._keys, ACCESS_TYP)
        return read_access(MappingProxyType(parsed.payload), self._rules, self._clock.now())

    def _refuse_unknown_key(self, parsed: ParsedToken) -> NoReturn:
        # Nothing in the token is proven; its `iss` only chooses the more helpful of two refusals.
        issuer = parsed.payload.get("iss")
        foreign = isinstance(issuer, str) and issuer != self._rules.issuer
        raise TokenRefused(Reason.ISSUER_UNKNOWN if foreign else Reason.TOKEN_INVALID, "unknown kid")
