"""Email addresses: what is accepted, and which spellings are one address."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.accounts.emails import check_email, fold, lookup_key

LETTERS = "abcdefghijklmnopqrstuvwxyzäöüéñçßøåıßžλσςπжщЯאبक中ﬁＡＢｃ１２ǅ"
LOCAL_PARTS = st.text(LETTERS + "0123456789._+-", min_size=1, max_size=20)
DOMAINS = st.sampled_from(
    ["example.com", "EXAMPLE.com", "bücher.example", "faß.de", "shop.test", "corp.local", "例え.jp"]
)


@pytest.mark.parametrize(
    "address",
    [
        "test@example.com",
        "first.last+tag@sub.example.co.uk",
        "o'neil@example.org",
        "user@shop.test",
        "admin@gateway.local",
        "user@GATEWAY.LOCAL",
        "müller@bücher.example",
        "ｕｓｅｒ@example.com",
        "user@xn--bcher-kva.example",
        "a@example.com",
        f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.com",
    ],
)
def test_accepted(address: str) -> None:
    assert check_email(address) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("user", id="no domain"),
        pytest.param("@example.com", id="no local part"),
        pytest.param("user@", id="nothing after the sign"),
        pytest.param("user@localhost", id="one label"),
        pytest.param("user@test", id="the reserved label alone"),
        pytest.param("user@local", id="the local label alone"),
        pytest.param("a@b@example.com", id="two signs"),
        pytest.param("user＠example.com", id="full-width sign"),
        pytest.param("a＠b@example.com", id="full-width sign in the local part"),
        pytest.param("user@example.com ", id="trailing space"),
        pytest.param(" user@example.com", id="leading space"),
        pytest.param("us er@example.com", id="space inside"),
        pytest.param("user@example.com\n", id="line feed"),
        pytest.param("user@exa\rmple.com", id="carriage return"),
        pytest.param("user\r\nBcc: x@example.com", id="header injection"),
        pytest.param("us\0er@example.com", id="nul"),
        pytest.param("user\u202e@example.com", id="right-to-left override"),
        pytest.param("us\u200der@example.com", id="zero-width joiner"),
        pytest.param("us\u00ader@example.com", id="soft hyphen"),
        pytest.param("us\u3164er@example.com", id="hangul filler"),
        pytest.param("us\ufe0fer@example.com", id="variation selector"),
        pytest.param("us\ud800er@example.com", id="lone surrogate"),
        pytest.param("\u2474@example.com", id="becomes (1)"),
        pytest.param('"quoted"@example.com', id="quoted"),
        pytest.param("Ann <ann@example.com>", id="display name"),
        pytest.param("user@[127.0.0.1]", id="address literal"),
        pytest.param(".user@example.com", id="leading dot"),
        pytest.param("us..er@example.com", id="two dots"),
        pytest.param("user@-example.com", id="label with a leading hyphen"),
        pytest.param("user@example.com.", id="trailing dot"),
        pytest.param(f"{'a' * 65}@example.com", id="long local part"),
        pytest.param(f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 58}.com", id="255 characters"),
        pytest.param("a" * 1_000_000, id="a million characters"),
    ],
)
def test_refused_with_a_sentence(text: str) -> None:
    sentence = check_email(text)
    assert sentence is not None
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("User@Example.COM", "user@example.com", id="case"),
        pytest.param("ｕｓｅｒ@example.com", "user@example.com", id="full width"),
        pytest.param("us\u0065\u0301r@example.com", "us\u00e9r@example.com", id="decomposed"),
        pytest.param("straße@example.com", "STRASSE@example.com", id="sharp s"),
        pytest.param("user@bücher.example", "user@XN--BCHER-KVA.example", id="idn"),
        pytest.param("ma\u0131l@example.com", "MAIL@example.com", id="dotless i"),
        pytest.param("\u0130van@example.com", "ivan@example.com", id="dotted capital i"),
        pytest.param("ﬁn@example.com", "fin@example.com", id="ligature"),
        pytest.param("user@example。com", "user@example.com", id="ideographic full stop"),
        pytest.param("K@example.com", "k@example.com", id="kelvin sign"),
        pytest.param("admin@Gateway.Local", "ADMIN@gateway.local", id="local domain"),
    ],
)
def test_one_address(one: str, other: str) -> None:
    assert lookup_key(one) == lookup_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("a.b@example.com", "ab@example.com", id="dots count"),
        pytest.param("a+b@example.com", "a@example.com", id="tags count"),
        pytest.param("a@example.com", "a@example.org", id="domains"),
        pytest.param("a@gateway.local", "a@gateway.test", id="local is not test"),
        pytest.param("\u0430@example.com", "a@example.com", id="a look-alike of another script"),
        pytest.param("a@faß.de", "a@fass.de", id="IDNA 2008 keeps the sharp s"),
    ],
)
def test_two_addresses(one: str, other: str) -> None:
    assert lookup_key(one) != lookup_key(other)


@settings(max_examples=200, deadline=None)
@given(LOCAL_PARTS, DOMAINS)
def test_the_key_is_its_own_key_and_blind_to_form(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    key = lookup_key(address)
    assert lookup_key(key) == key
    if check_email(address) is None:
        assert check_email(key) is None
        assert lookup_key(unicodedata.normalize("NFD", address)) == key
        assert lookup_key(f"{local.upper()}@{domain}") == key


@settings(max_examples=200, deadline=None)
@given(
    st.text("abcXYZ0123456789._+-", min_size=1, max_size=20),
    st.sampled_from(["example.com", "bücher.example"]),
)
def test_full_width_and_upper_case_change_nothing(local: str, domain: str) -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in local)
    if check_email(f"{local}@{domain}") is None:
        assert lookup_key(f"{wide}@{domain}") == lookup_key(f"{local.upper()}@{domain.upper()}")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_a_key_and_a_stable_fold(text: str) -> None:
    check_email(text)
    lookup_key(text)
    assert fold(fold(text)) == fold(text)
