"""From configured text to a key: everything that makes a key unacceptable is found here, at load."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.exceptions import PyJWTError

from gateway.errors import KeyRefused
from gateway.secret import Secret
from gateway.tokens.key import HS256, Key, hmac_key, key_id, primitive

MIN_SECRET_BYTES: Final = 32
"""RFC 7518 section 3.2: an HS256 key is at least as long as the hash."""

# 32 random bytes have 30 different values on average, and as good as never fewer than 20.
_LEAST_VARIETY: Final = 8
_LONGEST_BLOCK: Final = 16

SECRET_HINT: Final = "make one with: openssl rand -base64 32"  # noqa: S105
_PEM_HINTS: Final = {
    "EdDSA": "make one with: openssl genpkey -algorithm ed25519",
    "ES256": "make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    "RS256": "make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072",
}
_ASYMMETRIC_TEXT: Final = re.compile(rb"---- ?BEGIN|^(ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)")


def load_secret(secret: Secret) -> Key:
    """The HS256 key `base64.b64decode(secret)`; KeyRefused says why a secret will not do."""
    text = b"".join(secret.reveal().split())  # openssl breaks long lines; b64decode skips white space too.
    if not text:
        raise KeyRefused("the signing secret is missing", SECRET_HINT)
    if _ASYMMETRIC_TEXT.search(text):
        raise KeyRefused("a PEM or SSH key is not a signing secret", SECRET_HINT)
    material = _decode(text)
    _refuse_weak(material)
    return hmac_key(material)


def _decode(text: bytes) -> bytes:
    # b64decode drops characters it does not know ('-' and '_' among them): what it would misread is refused.
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        why = "the signing secret is not standard base64 (A-Z a-z 0-9 + /, padded with =)"
        raise KeyRefused(why, SECRET_HINT) from None


def _refuse_weak(material: bytes) -> None:
    if len(material) < MIN_SECRET_BYTES:
        why = f"the signing secret has {len(material)} bytes; at least {MIN_SECRET_BYTES} are needed"
        raise KeyRefused(why, SECRET_HINT)
    if _ASYMMETRIC_TEXT.search(material):
        raise KeyRefused("a PEM or SSH key is not a signing secret", SECRET_HINT)
    if _repeats(material):
        raise KeyRefused("the signing secret is something short, repeated", SECRET_HINT)
    if len(set(material)) < _LEAST_VARIETY:
        raise KeyRefused(f"the signing secret has fewer than {_LEAST_VARIETY} different bytes", SECRET_HINT)
    try:  # PyJWT also knows DER keys and JWKs; a service that verifies with it would refuse them.
        primitive(HS256).prepare_key(material)
    except PyJWTError:
        raise KeyRefused("a public key, certificate or JWK is not a signing secret", SECRET_HINT) from None


def _repeats(material: bytes) -> bool:
    """Whether it is one short block over and over, as in `changemechangeme…`."""
    whole = len(material)
    blocks = (material[:size] for size in range(1, _LONGEST_BLOCK + 1))
    return any((block * (whole // len(block) + 1))[:whole] == material for block in blocks)


def load_pem(pem: Secret, algorithm: str) -> Key:
    """An EdDSA (Ed25519), ES256 (P-256) or RS256 (>= 2048 bits) key; a public PEM only verifies."""
    hint = _PEM_HINTS.get(algorithm)
    if hint is None:
        raise KeyRefused(f"a PEM key needs an algorithm of {', '.join(_PEM_HINTS)}")
    data = pem.reveal()
    try:
        if b"PUBLIC KEY" in data:
            return _asymmetric(serialization.load_pem_public_key(data), None, algorithm)
        private = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRefused("not a PEM key without password", hint) from None
    return _asymmetric(private.public_key(), private, algorithm)


def load_jwk(jwk: Mapping[str, Any], algorithm: str) -> Key:
    """Somebody else's verification key (RFC 7517), under its own `kid` where it has one.

    KeyRefused for keys meant for anything but verifying signatures with `algorithm` (`use`, `key_ops`,
    `alg`), and for symmetric ones: a published secret is none.
    """
    if jwk.get("kty") == "oct" or algorithm == HS256:
        raise KeyRefused("a symmetric JWK cannot verify what others signed")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise KeyRefused("the JWK is not meant for verifying signatures (use, key_ops)")
    if jwk.get("alg", algorithm) != algorithm:
        raise KeyRefused("the JWK is for another algorithm")
    try:
        loaded = primitive(algorithm).from_jwk(dict(jwk))
    except (PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRefused(f"the JWK is not a valid {algorithm} key") from None
    public = loaded.public_key() if hasattr(loaded, "public_key") else loaded
    kid = jwk.get("kid")
    return _asymmetric(public, None, algorithm, kid=kid if isinstance(kid, str) else None)


def _asymmetric(public: Any, private: Any, algorithm: str, kid: str | None = None) -> Key:
    if not _fits(public, algorithm):
        raise KeyRefused(f"the key does not fit {algorithm}", _PEM_HINTS[algorithm])
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    name = kid if kid is not None else key_id(algorithm, spki)
    jwk = {**primitive(algorithm).to_jwk(public, as_dict=True), "kid": name, "use": "sig", "alg": algorithm}
    return Key(name, algorithm, public, private, material=_secret_of(private), public_jwk=jwk)


def _fits(public: Any, algorithm: str) -> bool:
    if algorithm == "EdDSA":
        return isinstance(public, ed25519.Ed25519PublicKey)
    if algorithm == "ES256":
        return isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1)
    return isinstance(public, rsa.RSAPublicKey) and public.key_size >= 2048  # RFC 7518 section 3.3


def _secret_of(private: Any) -> Secret | None:
    if private is None:
        return None
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return Secret(private.private_bytes(encoding, form, serialization.NoEncryption()))
