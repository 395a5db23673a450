"""Where a token may stand in a request, and where not."""

import pytest

from gateway.auth.bearer import read_bearer
from gateway.errors import Refusal
from gateway.principal import Anonymous
from gateway.reasons import Reason

TOKEN = b"aaa.bbb.ccc"


def authorization(*values: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", value) for value in values]


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER"])
def test_scheme_is_case_insensitive(scheme: bytes) -> None:
    assert read_bearer(authorization(scheme + b" " + TOKEN), None) == TOKEN


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer",
        b"Bearer ",
        b"Bearer  " + TOKEN,
        b"Bearer\t" + TOKEN,
        b"Bearer a,b",
        b"Bearer " + TOKEN + b" ",
        b"Bearer " + TOKEN + b"," + TOKEN,
        b"Bearer a b",
        b"bearer:" + TOKEN,
    ],
)
def test_lax_spellings_are_malformed(value: bytes) -> None:
    assert read_bearer(authorization(value), None) == Anonymous(Reason.TOKEN_MALFORMED)


@pytest.mark.parametrize("headers", [[], authorization(b"Basic dTpw"), authorization(b"")])
def test_nothing_of_ours_is_a_missing_token(headers: list[tuple[bytes, bytes]]) -> None:
    assert read_bearer(headers, b"a=1") == Anonymous(Reason.TOKEN_MISSING)


def test_two_authorization_headers_are_ambiguous() -> None:
    with pytest.raises(Refusal) as refused:
        read_bearer(authorization(b"Bearer a", b"Bearer a"), None)
    assert refused.value.reason is Reason.HEADER_AMBIGUOUS


@pytest.mark.parametrize(
    "query",
    [
        b"access_token=a",
        b"x=1&access_token=a",
        b"access%5Ftoken=a",
        b"%61ccess_token=a",
        b"x=1;access_token=a",
        b"access_token",
    ],
)
def test_token_in_query_is_refused(query: bytes) -> None:
    assert read_bearer([], query) == Anonymous(Reason.TOKEN_MALFORMED)
    with pytest.raises(Refusal) as refused:
        read_bearer(authorization(b"Bearer " + TOKEN), query)
    assert refused.value.reason is Reason.HEADER_AMBIGUOUS


@pytest.mark.parametrize("query", [b"", b"token=1", b"my_access_token=1", b"a=access_token", b"%zz=1"])
def test_other_parameters_are_not_tokens(query: bytes) -> None:
    assert read_bearer(authorization(b"Bearer " + TOKEN), query) == TOKEN
