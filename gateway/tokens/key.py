"""One key: the one algorithm it may be used with, its public name (`kid`), and the keys derived from it."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import Algorithm

from gateway.errors import KeyRefused
from gateway.secret import Secret

HS256: Final = "HS256"
_KID_LABEL: Final = b"gateway key id v1 "


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Key:
    """A key that was checked when it was loaded (`gateway.tokens.loading`).

    `verifying` and `signing` are what PyJWT's algorithm takes, `material` is what derived keys come from.
    A public key alone has neither `signing` nor `material`; a shared secret has no `public_jwk`.
    """

    kid: str
    algorithm: str
    verifying: Any
    signing: Any
    material: Secret | None
    public_jwk: dict[str, object] | None

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`. KeyRefused for a key without its secret part."""
        if self.signing is None:
            raise KeyRefused("this key can verify but not sign")
        return primitive(self.algorithm).sign(message, self.signing)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` over `message` was made with this key, by this key's own algorithm."""
        return primitive(self.algorithm).verify(message, self.verifying, signature)

    def derive(self, purpose: str) -> bytes:
        """32 bytes for `purpose` only (HKDF-SHA256, RFC 5869); KeyRefused without the secret part."""
        if self.material is None:
            raise KeyRefused("nothing can be derived from a key without its secret part")
        hkdf = HKDF(hashes.SHA256(), length=32, salt=None, info=b"gateway " + purpose.encode())
        return hkdf.derive(self.material.reveal())

    def derived(self, purpose: str) -> "Key":
        """An HS256 key for `purpose` only, under the same `kid`."""
        return hmac_key(self.derive(purpose), kid=self.kid)


def hmac_key(material: bytes, kid: str | None = None) -> Key:
    """An HS256 key of exactly these bytes; what is acceptable as a secret is checked by `loading`."""
    name = kid if kid is not None else key_id(HS256, material)
    return Key(name, HS256, verifying=material, signing=material, material=Secret(material), public_jwk=None)


def key_id(algorithm: str, material: bytes) -> str:
    """16 hex digits that name a key and give nothing of it away: two one-way steps, for this use alone."""
    inner = hmac.digest(material, _KID_LABEL + algorithm.encode(), "sha256")
    return hashlib.sha256(_KID_LABEL + inner).hexdigest()[:16]


_PRIMITIVES: Final[dict[str, Algorithm]] = {
    name: jwt.get_algorithm_by_name(name) for name in (HS256, "EdDSA", "ES256", "RS256")
}


def primitive(algorithm: str) -> Algorithm:
    """PyJWT's signature primitive of that name; KeyRefused when the gateway does not offer it."""
    try:
        return _PRIMITIVES[algorithm]
    except KeyError:
        raise KeyRefused(f"algorithm must be one of {', '.join(_PRIMITIVES)}") from None
