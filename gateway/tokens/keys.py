"""The key ring: one key signs, that one and others verify, each found by its `kid` and no other way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gateway.errors import KeyRefused
from gateway.secret import Secret
from gateway.tokens.key import Key
from gateway.tokens.loading import load_pem, load_secret


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class KeyRing:
    """`active` signs; `by_kid` holds every key that verifies (new, active and retiring ones)."""

    active: Key
    by_kid: Mapping[str, Key]

    @classmethod
    def of(cls, active: Key, others: Sequence[Key] = ()) -> "KeyRing":
        """A ring of keys already loaded. They may have different algorithms; each keeps its own."""
        if active.signing is None:
            raise KeyRefused("the active key has no secret part")
        return cls(active, MappingProxyType({key.kid: key for key in (*others, active)}))

    @classmethod
    def from_secret(cls, secret: Secret, retiring: Sequence[Secret] = ()) -> "KeyRing":
        """HS256 keys from base64 text of at least 32 bytes; KeyRefused with the command that makes one."""
        return cls.of(load_secret(secret), [load_secret(old) for old in retiring])

    @classmethod
    def from_pem(cls, pem: Secret, algorithm: str, retiring: Sequence[Secret] = ()) -> "KeyRing":
        """EdDSA, ES256 or RS256 keys from PEM text. A retiring key may be public: then it only verifies."""
        return cls.of(load_pem(pem, algorithm), [load_pem(old, algorithm) for old in retiring])

    def derive(self, purpose: str) -> bytes:
        """32 bytes for `purpose` only, from the active key (HKDF-SHA256)."""
        return self.active.derive(purpose)

    def public_jwks(self) -> dict[str, object]:
        """The verification keys others may have, as an RFC 7517 key set; secrets (HS256) are never in it."""
        return {"keys": [dict(key.public_jwk) for key in self.by_kid.values() if key.public_jwk is not None]}
