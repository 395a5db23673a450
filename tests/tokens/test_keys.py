"""What makes a key acceptable, and what a ring of keys gives away (nothing)."""

import base64
import secrets
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from jwt.algorithms import RSAAlgorithm

from gateway.clock import ManualClock
from gateway.errors import KeyRefused
from gateway.reasons import Reason
from gateway.secret import Secret
from gateway.tokens.access import AccessTokens
from gateway.tokens.keys import KeyRing
from gateway.tokens.loading import load_jwk, load_pem
from tests.tokens import forge
from tests.tokens.pem import DER, PEM, PKCS8, PRIVATE, PUBLIC_PEM, RSA_KEY, SPKI, SSH_KEY, private_pem


def encoded(material: bytes) -> str:
    return base64.b64encode(material).decode()


WEAK_SECRETS: dict[str, str | bytes] = {
    "empty": "",
    "white space": "  \n",
    "31 bytes": encoded(secrets.token_bytes(31)),
    "a word": "changeme",
    "one byte repeated": encoded(b"k" * 64),
    "a word repeated": encoded(b"changeme" * 4),
    "a word repeated and cut": encoded((b"correct horse" * 4)[:45]),
    "half of it twice": encoded(bytes(range(16)) * 2),
    "seven different bytes": encoded(b"abcdefg" + b"gfedcab" * 2 + b"aabbccddeeffgg"),
    "zeros": encoded(bytes(32)),
    "not base64": "this is not base64, but it is long enough to be a secret",
    "url-safe alphabet": encoded(b"\xfb\xff" + secrets.token_bytes(46)).replace("+", "-").replace("/", "_"),
    "padding missing": encoded(secrets.token_bytes(40)).rstrip("="),
    "padding inside": "AAAA=" + encoded(secrets.token_bytes(40)),
    "PEM text": PUBLIC_PEM,
    "PEM in base64": encoded(PUBLIC_PEM),
    "private PEM in base64": encoded(private_pem(RSA_KEY).reveal()),
    "SSH text": SSH_KEY,
    "SSH in base64": encoded(SSH_KEY),
    "DER in base64": encoded(RSA_KEY.public_key().public_bytes(DER, SPKI)),
    "JWK in base64": encoded(b'{"kty":"oct","k":"' + b"A" * 40 + b'"}'),
    "not ASCII": "é" * 64,
    "cut PEM in base64": encoded(PUBLIC_PEM[:60]),
    "security key in base64": encoded(b"sk-ssh-ed25519@openssh.com " + b"A" * 40),
}


@pytest.mark.parametrize("secret", WEAK_SECRETS.values(), ids=WEAK_SECRETS)
def test_secret_that_will_not_do_is_refused_with_the_command_that_makes_one(secret: str | bytes) -> None:
    with pytest.raises(KeyRefused) as refused:
        KeyRing.from_secret(Secret(secret))
    assert "openssl rand -base64" in refused.value.hint


@pytest.mark.parametrize("size", [32, 33, 48, 64, 200])
def test_signing_key_is_exactly_what_b64decode_gives(size: int) -> None:
    secret = base64.encodebytes(secrets.token_bytes(size)).decode()  # with the line breaks openssl writes
    assert KeyRing.from_secret(Secret(secret)).active.signing == base64.b64decode(secret)


@pytest.mark.parametrize(
    ("secret", "why"),
    [("", "missing"), (PUBLIC_PEM, "PEM"), ("A" * 40 + "-_==", "standard base64"), ("AAAA", "3 bytes")],
    ids=["missing", "PEM", "alphabet", "short"],
)
def test_refusal_names_the_mistake(secret: str | bytes, why: str) -> None:
    with pytest.raises(KeyRefused, match=why):
        KeyRing.from_secret(Secret(secret))


def test_a_refusal_never_shows_the_secret() -> None:
    with pytest.raises(KeyRefused) as refused:
        KeyRing.from_secret(Secret("hunter2-hunter2"))
    assert "hunter2" not in repr(refused.value) + refused.value.why + refused.value.hint


def test_kid_is_stable_and_differs_between_keys() -> None:
    again = KeyRing.from_secret(Secret(forge.SECRET))
    assert again.active.kid == forge.KID
    assert len(forge.KID) == 16
    assert int(forge.KID, 16) >= 0
    assert len(forge.RING.by_kid) == 2


def test_keys_do_not_print() -> None:
    shown = repr(forge.RING) + repr(forge.RING.active)
    assert forge.SECRET not in shown
    assert repr(forge.MATERIAL) not in shown


def test_derived_keys_are_stable_and_differ_by_purpose_and_key() -> None:
    other = KeyRing.from_secret(Secret(forge.OLD_SECRET))
    keys = {forge.RING.derive("a"), forge.RING.derive("b"), other.derive("a"), forge.MATERIAL}
    assert len(keys) == 4
    assert len(forge.RING.derive("a")) == 32
    assert KeyRing.from_secret(Secret(forge.SECRET)).derive("a") == forge.RING.derive("a")


def test_a_shared_secret_is_never_published() -> None:
    assert forge.RING.public_jwks() == {"keys": []}


def test_the_same_key_as_active_and_retiring_is_one_key() -> None:
    ring = KeyRing.from_secret(Secret(forge.SECRET), [Secret(forge.SECRET)])
    assert list(ring.by_kid) == [forge.KID]


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_asymmetric_ring_issues_what_its_public_jwks_verify(algorithm: str) -> None:
    ring = KeyRing.from_pem(private_pem(PRIVATE[algorithm]), algorithm)
    tokens = forge.access_tokens(ring)
    token = tokens.issue(forge.SUBJECT).token
    assert tokens.verify(token.encode()).subject == forge.USER
    published = jwt.PyJWKSet.from_dict(ring.public_jwks())
    key = published[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=[algorithm])["user_id"] == forge.USER
    assert not {"d", "p", "q", "k"} & set(ring.public_jwks()["keys"][0])  # type: ignore[index]


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_public_pem_verifies_under_the_same_kid_but_cannot_sign(algorithm: str) -> None:
    private = load_pem(private_pem(PRIVATE[algorithm]), algorithm)
    public = load_pem(Secret(PRIVATE[algorithm].public_key().public_bytes(PEM, SPKI)), algorithm)
    assert public.kid == private.kid
    assert public.verify(b"message", private.sign(b"message"))
    with pytest.raises(KeyRefused):
        public.sign(b"message")
    with pytest.raises(KeyRefused):
        public.derive("anything")
    with pytest.raises(KeyRefused):
        KeyRing.of(public)


def test_one_ring_may_hold_keys_of_two_algorithms_each_with_its_own() -> None:
    old = KeyRing.from_secret(Secret(forge.SECRET))
    ring = KeyRing.of(load_pem(private_pem(PRIVATE["EdDSA"]), "EdDSA"), [old.active])
    before = forge.access_tokens(old).issue(forge.SUBJECT)
    assert forge.access_tokens(ring).verify(before.token.encode()).subject == forge.USER


@pytest.mark.parametrize("material", [PUBLIC_PEM, PUBLIC_PEM.rstrip(b"\n"), SSH_KEY], ids=["PEM", "PEM cut", "SSH"])
def test_02_hs256_signed_with_the_public_key_is_refused(material: bytes) -> None:
    ring = KeyRing.from_pem(private_pem(RSA_KEY), "RS256")
    header = {**forge.HEADER, "kid": ring.active.kid}
    tokens = AccessTokens(ring, issuer=forge.ISSUER, audience=None, ttl=forge.TTL, clock=ManualClock(forge.NOW))
    assert forge.refusal(forge.sealed(header, forge.CLAIMS, key=material), tokens) is Reason.TOKEN_INVALID
    confused = forge.sealed({**header, "alg": "RS256"}, forge.CLAIMS, key=material)
    assert forge.refusal(confused, tokens) is Reason.TOKEN_INVALID


BAD_PEMS = {
    "not PEM": (Secret("hello"), "EdDSA"),
    "wrong family": (private_pem(RSA_KEY), "EdDSA"),
    "Ed448": (private_pem(ed448.Ed448PrivateKey.generate()), "EdDSA"),
    "P-384": (private_pem(ec.generate_private_key(ec.SECP384R1())), "ES256"),
    "RSA of 1024 bits": (private_pem(rsa.generate_private_key(65537, 1024)), "RS256"),  # noqa: S505
    "HS256": (private_pem(RSA_KEY), "HS256"),
    "unknown algorithm": (private_pem(RSA_KEY), "none"),
    "with a password": (
        Secret(RSA_KEY.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"p"))),
        "RS256",
    ),
}


@pytest.mark.parametrize(("pem", "algorithm"), BAD_PEMS.values(), ids=BAD_PEMS)
def test_pem_that_will_not_do_is_refused(pem: Secret, algorithm: str) -> None:
    with pytest.raises(KeyRefused):
        load_pem(pem, algorithm)


JWK = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
BAD_JWKS: dict[str, dict[str, Any]] = {
    "40 use enc": {**JWK, "use": "enc"},
    "40 key_ops encrypt": {**JWK, "key_ops": ["encrypt"]},
    "40 key_ops text": {**JWK, "key_ops": "verify"},
    "37 alg of another": {**JWK, "alg": "RS512"},
    "alg of another family": {**JWK, "alg": "ES256"},
    "symmetric": {"kty": "oct", "k": encoded(b"k" * 32)},
    "no modulus": {"kty": "RSA", "e": "AQAB"},
    "wrong family": {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
    "empty": {},
}


@pytest.mark.parametrize("jwk", BAD_JWKS.values(), ids=BAD_JWKS)
def test_jwk_meant_for_something_else_is_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(KeyRefused):
        load_jwk(jwk, "RS256")


def test_jwk_keeps_its_kid_and_verifies() -> None:
    key = load_jwk({**JWK, "kid": "theirs", "use": "sig"}, "RS256")
    signed = load_pem(private_pem(RSA_KEY), "RS256").sign(b"message")
    assert (key.kid, key.verify(b"message", signed), key.verify(b"massage", signed)) == (
        "theirs",
        True,
        False,
    )


@pytest.mark.parametrize("jwk", [JWK, BAD_JWKS["symmetric"]], ids=["public", "symmetric"])
def test_jwk_is_not_taken_for_a_shared_secret(jwk: dict[str, Any]) -> None:
    with pytest.raises(KeyRefused):
        load_jwk(jwk, "HS256")
