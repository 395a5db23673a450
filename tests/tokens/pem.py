"""Asymmetric keys for tests, made once for the folder."""

from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.secret import Secret

PKCS8, SPKI = serialization.PrivateFormat.PKCS8, serialization.PublicFormat.SubjectPublicKeyInfo
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
RSA_KEY = rsa.generate_private_key(65537, 2048)
PRIVATE: dict[str, Any] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": RSA_KEY,
}
PUBLIC_PEM = RSA_KEY.public_key().public_bytes(PEM, SPKI)
SSH_KEY = PRIVATE["EdDSA"].public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


def private_pem(key: Any) -> Secret:
    return Secret(key.private_bytes(PEM, PKCS8, serialization.NoEncryption()))
