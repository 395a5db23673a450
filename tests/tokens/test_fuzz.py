"""Whatever arrives: a token verifies untouched or is refused, and nothing else ever happens."""

import string
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TokenRefused
from tests.tokens import forge

TOKENS = forge.access_tokens()
REFRESH = forge.refresh_tokens()
GOOD = TOKENS.issue(forge.SUBJECT).token.encode()
GOOD_REFRESH = REFRESH.first(user_id=forge.USER, session_id="s", issued_at=1, expires_at=2).token

ALPHABET = (string.ascii_letters + string.digits + "-_.=+/ {}\x00").encode()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """The original with one piece replaced by another; may come out unchanged."""
    start = draw(st.integers(0, len(original)))
    end = draw(st.integers(start, min(len(original), start + 4)))
    piece = bytes(draw(st.lists(st.sampled_from(ALPHABET), max_size=4)))
    return original[:start] + piece + original[end:]


def verifies(token: bytes) -> bool:
    try:
        TOKENS.verify(token)
    except TokenRefused:
        return False
    return True


def reads(token: str) -> bool:
    try:
        REFRESH.read(token)
    except TokenRefused:
        return False
    return True


@given(mutated(GOOD))
def test_a_changed_access_token_never_verifies(token: bytes) -> None:
    assert verifies(token) is (token == GOOD)


@given(mutated(GOOD_REFRESH.encode()))
def test_a_changed_refresh_token_never_reads(token: bytes) -> None:
    assert reads(token.decode()) is (token.decode() == GOOD_REFRESH)


@given(st.binary(max_size=300))
def test_bytes_from_nowhere_are_refused(token: bytes) -> None:
    assert not verifies(token)


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_text_from_nowhere_is_refused(token: str) -> None:
    assert not reads(token)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_signed_nonsense_is_refused(header: bytes, payload: bytes) -> None:
    assert not verifies(forge.sealed(header, payload))
    assert not verifies(forge.sealed(forge.HEADER, payload))


@given(st.sampled_from([*forge.HEADER, "crit", "jwk"]), JSON)
def test_a_header_value_of_any_type_is_refused_or_the_right_one(name: str, value: Any) -> None:
    assert verifies(forge.with_header(**{name: value})) is (forge.HEADER.get(name, ...) == value)


@given(st.sampled_from([*forge.CLAIMS, "nbf", "aud"]), JSON)
def test_a_claim_of_any_type_is_refused_or_of_the_right_type(name: str, value: Any) -> None:
    token = forge.with_claims(**{name: value})
    if verifies(token):
        text = name in {"email", "display_name", "role", "sid", "jti"}
        assert value == forge.CLAIMS.get(name) or type(value) is (str if text else int)
