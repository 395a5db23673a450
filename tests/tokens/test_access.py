"""Issuing and verifying: the claims, the edges in time, and the cache."""

from dataclasses import replace

import pytest

from gateway.clock import ManualClock
from gateway.errors import TokenRefused
from gateway.reasons import Reason
from gateway.secret import Secret
from gateway.tokens.cache import VerifiedTokens, digest_of
from gateway.tokens.keys import KeyRing
from tests.tokens import forge
from tests.tokens.forge import NOW, SUBJECT, TTL


def test_verified_token_speaks_for_its_subject() -> None:
    tokens = forge.access_tokens()
    principal = tokens.verify(tokens.issue(SUBJECT).token.encode())
    assert principal.subject == SUBJECT.user_id
    assert principal.roles == ("user",)
    assert principal.issuer == "gateway"
    assert principal.session_id == "session-1"
    assert principal.email == "ann@example.com"
    assert principal.display_name == SUBJECT.display_name
    assert principal.expires_at == NOW + TTL
    assert principal.token_id == principal.claims["jti"]


def test_claims_of_a_principal_cannot_be_changed() -> None:
    principal = forge.access_tokens().verify(forge.with_claims())
    with pytest.raises(TypeError):
        principal.claims["role"] = "admin"  # type: ignore[index]


def test_issued_token_has_the_claims_of_the_contract() -> None:
    issued = forge.access_tokens().issue(SUBJECT)
    claims = forge.access_tokens().verify(issued.token.encode()).claims
    names = "sub user_id email display_name role token_type iss iat exp jti sid"
    assert set(claims) == set(names.split())
    assert (issued.expires_in, issued.expires_at) == (TTL, NOW + TTL)
    assert issued.token not in repr(issued)


def test_every_token_has_its_own_id() -> None:
    tokens = forge.access_tokens()
    assert tokens.issue(SUBJECT).token != tokens.issue(SUBJECT).token


def test_audience_is_claimed_and_checked_when_configured() -> None:
    tokens = forge.access_tokens(audience="shop")
    assert tokens.verify(tokens.issue(SUBJECT).token.encode()).claims["aud"] == "shop"


def test_subject_whose_token_would_be_refused_gets_none() -> None:
    with pytest.raises(ValueError, match="control characters"):
        forge.access_tokens().issue(replace(SUBJECT, display_name="Ann\x00"))


TIMES = {
    "iat five seconds ahead": {"iat": NOW + 5, "exp": NOW + 60},
    "nbf five seconds ahead": {"nbf": NOW + 5},
    "exp one second ahead": {"iat": NOW - 60, "exp": NOW + 1},
    "whole lifetime": {"iat": NOW, "exp": NOW + TTL},
}


@pytest.mark.parametrize("changes", TIMES.values(), ids=TIMES)
def test_times_just_within_the_bounds_pass(changes: dict[str, int]) -> None:
    assert forge.access_tokens().verify(forge.with_claims(**changes)).subject == forge.USER


@pytest.mark.parametrize("changes", [{"iat": NOW + 6, "exp": NOW + 60}, {"nbf": NOW + 6}], ids=["iat", "nbf"])
def test_times_just_outside_the_bounds_do_not(changes: dict[str, int]) -> None:
    assert forge.refusal(forge.with_claims(**changes)) is Reason.TOKEN_INVALID


def test_cached_token_expires_on_the_second() -> None:
    clock = ManualClock(NOW)
    tokens = forge.access_tokens(clock=clock)
    token = tokens.issue(SUBJECT).token.encode()
    clock.advance(TTL - 1)
    assert tokens.verify(token) is tokens.verify(token)
    clock.advance(1)
    for _ in range(2):
        assert forge.refusal(token, tokens) is Reason.TOKEN_EXPIRED


def test_leeway_lengthens_both_the_first_and_the_cached_look() -> None:
    clock = ManualClock(NOW)
    tokens = forge.access_tokens(clock=clock, leeway=3)
    token = tokens.issue(SUBJECT).token.encode()
    clock.advance(TTL + 2)
    assert tokens.verify(token) is tokens.verify(token)
    clock.advance(1)
    assert forge.refusal(token, tokens) is Reason.TOKEN_EXPIRED


def test_a_token_that_was_refused_once_may_pass_later() -> None:
    clock = ManualClock(NOW)
    tokens = forge.access_tokens(clock=clock)
    early = forge.with_claims(nbf=NOW + 6)
    assert forge.refusal(early, tokens) is Reason.TOKEN_INVALID
    clock.advance(1)
    assert tokens.verify(early).subject == forge.USER


def test_another_spelling_of_a_cached_token_is_not_found_in_the_cache() -> None:
    tokens = forge.access_tokens()
    token = tokens.issue(SUBJECT).token.encode()
    tokens.verify(token)
    assert forge.refusal(token + b"=", tokens) is Reason.TOKEN_MALFORMED


def test_cache_drops_the_oldest_and_never_grows_past_its_size() -> None:
    principal = forge.access_tokens().verify(forge.with_claims())
    cache = VerifiedTokens(size=3)
    digests = [digest_of(bytes([number])) for number in range(5)]
    for digest in digests:
        cache.add(digest, principal)
    assert [cache.find(digest) is principal for digest in digests] == [False, False, True, True, True]
    assert len(cache) == 3


def test_cache_of_size_zero_keeps_nothing() -> None:
    tokens = forge.access_tokens(cache_size=0)
    token = tokens.issue(SUBJECT).token.encode()
    assert tokens.verify(token) == tokens.verify(token)
    assert tokens.verify(token) is not tokens.verify(token)


def test_keys_overlap_while_one_retires_and_then_it_is_gone() -> None:
    old, new = Secret(forge.OLD_SECRET), Secret(forge.SECRET)
    issued_before = forge.access_tokens(KeyRing.from_secret(old)).issue(SUBJECT).token.encode()
    overlap = forge.access_tokens(KeyRing.from_secret(new, [old]))
    assert overlap.verify(issued_before).subject == forge.USER
    assert forge.refusal(issued_before, forge.access_tokens(KeyRing.from_secret(new))) is Reason.TOKEN_INVALID


def test_refusal_says_what_failed_to_operators_only() -> None:
    with pytest.raises(TokenRefused) as refused:
        forge.access_tokens().verify(forge.with_claims(role=""))
    assert refused.value.why == "role is not printable text"
    assert refused.value.detail == "Invalid token"
