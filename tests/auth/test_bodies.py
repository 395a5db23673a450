"""Strict request bodies: every sloppy form is refused with the status the contract names."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.asgi import Message, Receive
from gateway.auth.bodies import BODY_LIMIT, Credentials, parse, read_body
from gateway.errors import Refusal
from gateway.reasons import Reason

JSON = [(b"content-type", b"application/json")]
GOOD = b'{"email": "a@example.com", "password": "secret-one"}'


def refusal(body: bytes, headers: list[tuple[bytes, bytes]] = JSON) -> Refusal:
    with pytest.raises(Refusal) as refused:
        parse(Credentials, body, headers)
    return refused.value


def receiving(*chunks: bytes) -> Receive:
    messages: Iterator[Message] = iter(
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    )

    async def receive() -> Message:
        return next(messages)

    return receive


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"identity, gzip", b"GZIP", b""])
def test_bodies_in_another_encoding_are_refused(encoding: bytes) -> None:
    refused = refusal(GOOD, [*JSON, (b"content-encoding", encoding)])
    assert (refused.reason, refused.headers) == (Reason.MEDIA_TYPE, {"Accept-Encoding": "identity"})


def test_identity_is_no_other_encoding() -> None:
    assert parse(Credentials, GOOD, [*JSON, (b"content-encoding", b" Identity ")]).email == "a@example.com"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"", Reason.BODY_INVALID, id="empty"),
        pytest.param(b"{", Reason.BODY_INVALID, id="cut"),
        pytest.param(GOOD + b"x", Reason.BODY_INVALID, id="rest"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, Reason.BODY_INVALID, id="byte order mark"),
        pytest.param(b'{"email": "\xff", "password": "x"}', Reason.BODY_INVALID, id="bad UTF-8"),
        pytest.param(GOOD.decode().encode("utf-16"), Reason.BODY_INVALID, id="UTF-16"),
        pytest.param(b'{"email": "a", "email": "b", "password": "c"}', Reason.BODY_INVALID, id="duplicate name"),
        pytest.param(b'{"email": "\\ud800", "password": "c"}', Reason.BODY_INVALID, id="lone surrogate"),
        pytest.param(b'{"email": NaN, "password": "c"}', Reason.BODY_INVALID, id="NaN"),
        pytest.param(b'{"a":' * 100_000, Reason.BODY_INVALID, id="deep and cut"),
        pytest.param(b"[" * 30 + b"]" * 30, Reason.BODY_INVALID, id="deep"),
        pytest.param(b"[]", Reason.FIELD_INVALID, id="array"),
        pytest.param(b'"text"', Reason.FIELD_INVALID, id="string"),
        pytest.param(b"{}", Reason.FIELD_INVALID, id="missing"),
        pytest.param(b'{"email": 1, "password": "x"}', Reason.FIELD_INVALID, id="wrong type"),
        pytest.param(b'{"email": null, "password": "x"}', Reason.FIELD_INVALID, id="null"),
        pytest.param(GOOD[:-1] + b', "role": "admin"}', Reason.FIELD_INVALID, id="unknown field"),
    ],
)
def test_sloppy_bodies_are_refused(body: bytes, reason: Reason) -> None:
    assert refusal(body).reason is reason


@pytest.mark.parametrize(
    "media", [b"text/plain", b"application/x-www-form-urlencoded", b"application/json; charset=latin-1", b""]
)
def test_only_json_is_read(media: bytes) -> None:
    assert refusal(GOOD, [(b"content-type", media)]).reason is Reason.MEDIA_TYPE
    assert refusal(GOOD, []).reason is Reason.MEDIA_TYPE


@pytest.mark.parametrize(
    "media", [b"application/json", b"Application/JSON; charset=UTF-8", b'application/json;charset="utf-8"']
)
def test_json_in_its_spellings_is_read(media: bytes) -> None:
    assert parse(Credentials, GOOD, [(b"content-type", media)]).email == "a@example.com"


def test_field_errors_name_every_field_and_no_value() -> None:
    found = refusal(b'{"password": 5, "hunter2-unknown": "hunter2"}')
    assert {(error.field, error.message) for error in found.errors} == {
        ("email", "is required"),
        ("password", "must be a string"),
        ("hunter2-unknown", "is not a known field"),
    }
    assert "hunter2" not in str([error.message for error in found.errors])


def test_field_errors_are_bounded() -> None:
    found = refusal(json.dumps({f"{number}-" + "x" * 500: 1 for number in range(100)}).encode())
    assert len(found.errors) == 20
    assert max(len(error.field) for error in found.errors) == 64


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    assume(not body.startswith(b"{"))
    assert refusal(body).reason in (Reason.BODY_INVALID, Reason.FIELD_INVALID)


async def test_body_is_read_whole() -> None:
    assert await read_body(receiving(b"a", b"b", b"c"), []) == b"abc"


async def test_announced_size_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(Refusal) as refused:
        await read_body(receiving(), [(b"content-length", str(BODY_LIMIT + 1).encode())])
    assert refused.value.reason is Reason.BODY_TOO_LARGE


async def test_body_that_grows_over_the_limit_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        await read_body(receiving(b"x" * BODY_LIMIT, b"x", b"never asked for"), [])
    assert refused.value.reason is Reason.BODY_TOO_LARGE
