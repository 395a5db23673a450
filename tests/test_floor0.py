"""The words all packages share: reasons, errors, clocks, principals, secrets."""

import copy
import pickle
import re

import pytest

from gateway.clock import ManualClock, SystemClock
from gateway.errors import (
    ConfigError,
    FieldError,
    GatewayError,
    KeyRefused,
    Refusal,
    StoreUnavailable,
    TargetRefused,
    TokenRefused,
    UpstreamFailed,
)
from gateway.principal import Anonymous, Principal
from gateway.reasons import Reason
from gateway.secret import Secret

STATUSES = {
    401: "token-missing token-malformed token-invalid token-expired token-revoked token-wrong-type "
    "issuer-unknown credentials-invalid session-ended",
    403: "role-missing scope-missing claim-mismatch not-owner csrf account-disabled registration-closed",
    400: "path-ambiguous header-ambiguous body-invalid",
    404: "no-route",
    405: "method-not-allowed",
    408: "request-timeout",
    409: "email-taken conflict",
    413: "body-too-large",
    414: "target-too-long",
    415: "media-type",
    422: "field-invalid",
    429: "rate-limited",
    431: "headers-too-large",
    501: "not-implemented",
    502: "upstream-unreachable upstream-invalid",
    503: "upstream-unavailable store-unavailable revocation-stale overloaded",
    504: "upstream-timeout",
}
PINNED_SENTENCES = {
    "token-missing": "Not authenticated",
    "token-expired": "Token has expired",
    "token-invalid": "Invalid token",
    "token-wrong-type": "Invalid token type",
    "token-revoked": "Token has been revoked",
    "credentials-invalid": "Invalid credentials",
}
HIDDEN = "correct horse battery staple"


def test_the_list_of_reasons_is_closed_and_every_status_is_as_published() -> None:
    published = {word: status for status, words in STATUSES.items() for word in words.split()}
    assert {reason.word: reason.status for reason in Reason} == published


@pytest.mark.parametrize(("word", "sentence"), PINNED_SENTENCES.items(), ids=PINNED_SENTENCES)
def test_published_sentences(word: str, sentence: str) -> None:
    assert Reason.of(word).sentence == sentence


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_is_one_kebab_case_word_everywhere(reason: Reason) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", reason.word)
    assert str(reason) == f"{reason}" == reason.word
    assert Reason.of(reason.word) is reason


def test_an_unknown_reason_has_no_word() -> None:
    with pytest.raises(KeyError):
        Reason.of("because")


def test_words_do_not_repeat_so_that_no_reason_is_an_alias_of_another() -> None:
    assert len(Reason.__members__) == len(list(Reason)) == len({reason.word for reason in Reason})


def test_a_refusal_says_the_sentence_of_its_reason_unless_told_otherwise() -> None:
    assert Refusal(Reason.CONFLICT).detail == Reason.CONFLICT.sentence
    assert Refusal(Reason.ROLE_MISSING, detail="Requires role a").detail == "Requires role a"
    assert Refusal(Reason.CONFLICT, detail="").detail == ""


def test_a_refusal_keeps_its_own_copy_of_what_it_was_given() -> None:
    headers, errors = {"Allow": "GET"}, [FieldError("email", "not an address")]
    refusal = Refusal(Reason.FIELD_INVALID, headers=headers, errors=errors, retry_after=3)
    headers.clear()
    errors.clear()
    assert refusal.headers == {"Allow": "GET"}
    assert refusal.errors == (FieldError("email", "not an address"),)
    assert refusal.retry_after == 3


@pytest.mark.parametrize(
    ("refusal", "reason", "why"),
    [
        (TokenRefused(Reason.TOKEN_EXPIRED, "exp"), Reason.TOKEN_EXPIRED, "exp"),
        (TargetRefused(Reason.PATH_AMBIGUOUS, "dot segment"), Reason.PATH_AMBIGUOUS, "dot segment"),
        (UpstreamFailed(Reason.UPSTREAM_TIMEOUT, "orders", "slow"), Reason.UPSTREAM_TIMEOUT, "slow"),
    ],
    ids=["token", "target", "upstream"],
)
def test_why_is_for_operators_and_never_part_of_what_the_caller_reads(
    refusal: TokenRefused | TargetRefused | UpstreamFailed, reason: Reason, why: str
) -> None:
    assert refusal.reason is reason
    assert refusal.why == why
    assert refusal.detail == reason.sentence
    assert str(refusal) == reason.word


def test_an_unavailable_store_asks_to_come_back() -> None:
    refusal = StoreUnavailable("sessions")
    assert (refusal.reason, refusal.store, refusal.retry_after) == (Reason.STORE_UNAVAILABLE, "sessions", 1)


@pytest.mark.parametrize("kind", [Refusal, ConfigError, KeyRefused], ids=lambda kind: kind.__name__)
def test_everything_raised_on_purpose_has_one_root(kind: type[Exception]) -> None:
    assert issubclass(kind, GatewayError)


def test_a_config_error_carries_all_problems() -> None:
    assert ConfigError(["first", "second"]).problems == ("first", "second")


def test_a_refused_key_says_how_to_make_a_good_one() -> None:
    refused = KeyRefused("too short", hint="openssl rand -base64 32")
    assert (str(refused), refused.why, refused.hint) == ("too short", "too short", "openssl rand -base64 32")


@pytest.mark.parametrize(
    "shown",
    [repr, str, format, lambda secret: f"{secret:>10}", lambda secret: "{} {!r}".format(*[secret] * 2)],
    ids=["repr", "str", "format", "padded", "braces"],
)
def test_a_secret_shows_nothing(shown: object) -> None:
    assert callable(shown)
    assert "horse" not in str(shown(Secret(HIDDEN)))


def test_a_secret_does_not_leave_the_process() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(HIDDEN))
    with pytest.raises(TypeError):
        copy.copy(Secret(HIDDEN))


def test_a_secret_is_its_bytes() -> None:
    assert Secret(HIDDEN).reveal() == HIDDEN.encode()
    assert Secret(HIDDEN) == Secret(HIDDEN.encode())
    assert Secret(HIDDEN) != Secret("other")
    assert Secret(HIDDEN) != HIDDEN
    assert len({Secret(HIDDEN), Secret(HIDDEN)}) == 1
    assert not Secret("")


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(now=100.0)
    assert (clock.now(), clock.monotonic()) == (100.0, 0.0)
    clock.advance(2.5)
    assert (clock.now(), clock.monotonic()) == (102.5, 2.5)


def test_the_system_clock_reads_both_clocks() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    assert clock.now() > 1_700_000_000
    assert clock.monotonic() >= before


def test_the_role_in_force_overlays_the_claim_and_nothing_else() -> None:
    claimed = Principal("7", "gateway", ("admin",), 100, session_id="s", claims={"role": "admin"})
    in_force = claimed.with_role("user")
    assert (in_force.roles, in_force.claims) == (("user",), {"role": "user"})
    assert (claimed.roles, claimed.claims) == (("admin",), {"role": "admin"})
    assert (in_force.subject, in_force.session_id) == ("7", "s")
    assert claimed.with_role("user") is in_force


def test_a_claim_that_was_not_made_is_not_overlaid() -> None:
    assert "role" not in Principal("7", "gateway", (), 100).with_role("user").claims


def test_nobody_is_nobody_for_want_of_a_token() -> None:
    assert Anonymous().reason is Reason.TOKEN_MISSING
