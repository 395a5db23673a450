"""Refresh tokens: one successor each, the same on every worker, authentic before any store is asked."""

import hashlib

import pytest

from gateway.errors import TokenRefused
from gateway.reasons import Reason
from gateway.secret import Secret
from gateway.tokens.keys import KeyRing
from gateway.tokens.loading import load_pem
from gateway.tokens.refresh import RefreshTokens
from tests.tokens import forge
from tests.tokens.pem import PEM, PRIVATE, SPKI, private_pem

TIMES = {"issued_at": 1_800_000_000, "expires_at": 1_800_604_800}
NEXT = {"issued_at": 1_800_000_060, "expires_at": 1_800_604_800}


def first(tokens: RefreshTokens) -> str:
    return tokens.first(user_id=forge.USER, session_id="session-1", **TIMES).token


def refused(token: str, tokens: RefreshTokens | None = None) -> Reason:
    with pytest.raises(TokenRefused) as problem:
        (tokens or forge.refresh_tokens()).read(token)
    return problem.value.reason


def test_first_token_reads_as_generation_zero() -> None:
    tokens = forge.refresh_tokens()
    issued = tokens.first(user_id=forge.USER, session_id="session-1", **TIMES)
    presented = tokens.read(issued.token)
    assert (presented.user_id, presented.session_id, presented.generation) == (forge.USER, "session-1", 0)
    assert (presented.issued_at, presented.expires_at) == (1_800_000_000, 1_800_604_800)
    assert presented.token_hash == issued.token_hash


def test_hash_is_the_hex_sha256_of_the_jti() -> None:
    tokens = RefreshTokens(forge.RING, issuer=forge.ISSUER, entropy=bytes)
    issued = tokens.first(user_id=forge.USER, session_id="session-1", **TIMES)
    assert issued.token_hash == hashlib.sha256(b"A" * 43).hexdigest()


def test_successor_is_the_one_its_parent_announced() -> None:
    tokens = forge.refresh_tokens()
    parent = tokens.read(first(tokens))
    child = tokens.read(tokens.successor(parent, **NEXT))
    assert child.token_hash == parent.successor_hash
    assert child.generation == 1
    assert child.issued_at == NEXT["issued_at"]
    assert len({parent.token_hash, child.token_hash, child.successor_hash}) == 3


def test_replay_gives_the_same_bytes_on_every_worker() -> None:
    token = first(forge.refresh_tokens())
    answers = set()
    for _worker in range(3):
        tokens = forge.refresh_tokens(KeyRing.from_secret(Secret(forge.SECRET)))
        answers.add(tokens.successor(tokens.read(token), **NEXT))
    assert len(answers) == 1


def test_replay_gives_the_same_bytes_after_the_active_key_changed() -> None:
    old, new = Secret(forge.OLD_SECRET), Secret(forge.SECRET)
    before, after = (forge.refresh_tokens(ring) for ring in (KeyRing.from_secret(old), KeyRing.from_secret(new, [old])))
    token = first(before)
    assert before.successor(before.read(token), **NEXT) == after.successor(after.read(token), **NEXT)


def test_new_sessions_begin_with_the_active_key_and_a_key_that_is_gone_ends_its_sessions() -> None:
    old, new = Secret(forge.OLD_SECRET), Secret(forge.SECRET)
    only_new = forge.refresh_tokens(KeyRing.from_secret(new))
    assert only_new.read(first(forge.refresh_tokens(KeyRing.from_secret(new, [old])))).generation == 0
    assert refused(first(forge.refresh_tokens(KeyRing.from_secret(old))), only_new) is Reason.TOKEN_INVALID


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_refresh_tokens_of_an_asymmetric_ring_replay_the_same_bytes(algorithm: str) -> None:
    tokens = forge.refresh_tokens(KeyRing.from_pem(private_pem(PRIVATE[algorithm]), algorithm))
    parent = tokens.read(first(tokens))
    assert tokens.successor(parent, **NEXT) == tokens.successor(parent, **NEXT)


def test_public_key_in_the_ring_begins_no_session() -> None:
    public = load_pem(Secret(PRIVATE["RS256"].public_key().public_bytes(PEM, SPKI)), "RS256")
    tokens = forge.refresh_tokens(KeyRing.of(forge.RING.active, [public]))
    assert tokens.read(first(tokens)).generation == 0


def test_presented_token_does_not_print_what_makes_its_successor() -> None:
    tokens = forge.refresh_tokens()
    issued = tokens.first(user_id=forge.USER, session_id="session-1", **TIMES)
    presented = tokens.read(issued.token)
    assert presented._successor_id not in repr(presented)
    assert issued.token not in repr(issued)


def sealed_refresh(**changes: object) -> str:
    """Signed with the real refresh key, whatever the claims."""
    claims = {
        "token_type": "refresh",
        "user_id": forge.USER,
        "sid": "s",
        "gen": 0,
        "jti": "j",
        "iat": 1,
        "exp": 2,
    }
    header = {**forge.HEADER, "typ": "rt+jwt"}
    key = forge.RING.derive("refresh-signature")
    return forge.sealed(header, {**claims, "iss": forge.ISSUER, **changes}, key=key).decode()


CLAIMS = {
    "access in the claim": ({"token_type": "access"}, Reason.TOKEN_WRONG_TYPE),
    "foreign issuer": ({"iss": "other"}, Reason.TOKEN_INVALID),
    "user_id no UUID": ({"user_id": "ann"}, Reason.TOKEN_INVALID),
    "user_id upper case": ({"user_id": forge.USER.upper()}, Reason.TOKEN_INVALID),
    "gen true": ({"gen": True}, Reason.TOKEN_INVALID),
    "gen negative": ({"gen": -1}, Reason.TOKEN_INVALID),
    "gen text": ({"gen": "0"}, Reason.TOKEN_INVALID),
    "gen float": ({"gen": 0.0}, Reason.TOKEN_INVALID),
    "gen past what a double holds": ({"gen": 2**53}, Reason.TOKEN_MALFORMED),
    "sid empty": ({"sid": ""}, Reason.TOKEN_INVALID),
    "sid list": ({"sid": ["s"]}, Reason.TOKEN_INVALID),
    "jti null": ({"jti": None}, Reason.TOKEN_INVALID),
    "exp text": ({"exp": "2"}, Reason.TOKEN_INVALID),
}


@pytest.mark.parametrize(("changes", "reason"), CLAIMS.values(), ids=CLAIMS)
def test_claim_of_the_wrong_type_is_refused(changes: dict[str, object], reason: Reason) -> None:
    assert refused(sealed_refresh(**changes)) is reason


def test_the_claims_those_start_from_are_good_however_old() -> None:
    assert forge.refresh_tokens().read(sealed_refresh()).expires_at == 2


@pytest.mark.parametrize("token", ["", "a.b.c", "é.é.é", "\ud800", "x" * 10_000], ids=repr)
def test_text_that_is_no_token_is_malformed(token: str) -> None:
    assert refused(token) is Reason.TOKEN_MALFORMED


def test_the_access_key_does_not_sign_refresh_tokens() -> None:
    header = {**forge.HEADER, "typ": "rt+jwt"}
    claims = {
        "token_type": "refresh",
        "user_id": forge.USER,
        "sid": "s",
        "gen": 7,
        "jti": "j",
        "iat": 1,
        "exp": 2,
    }
    forged = forge.sealed(header, {**claims, "iss": forge.ISSUER}).decode()
    assert refused(forged) is Reason.TOKEN_INVALID
