"""Answers before the body: refusals while it is still coming, and clients that wait to be told to go on."""

import contextlib
import time

import pytest

from tests.support.echo_upstream import Echo
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import RawUpstream
from tests.support.refused import assert_refused

HOST = b" HTTP/1.1\r\nHost: gw.test\r\n"


def get(target: bytes, *lines: bytes) -> bytes:
    return b"GET " + target + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"POST /any/x" + HOST + b"Content-Length: 100000000\r\n\r\n", (401, 413), id="length"),
        pytest.param(b"POST /public/x" + HOST + b"Content-Length: 100000000\r\n\r\n", (413,), id="too long"),
        pytest.param(b"POST /any/x" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", (401,), id="chunked"),
        pytest.param(b"PUT /public/x" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", (405,), id="wrong method"),
        pytest.param(b"POST /nowhere" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", (404,), id="no route"),
        pytest.param(b"POST /auth/me" + HOST + b"Content-Length: 100000000\r\n\r\n", (401, 413), id="own endpoint"),
    ],
)
def test_an_early_refusal_is_readable_and_closes(
    client: RawClient, echo: RawUpstream, head: bytes, status: tuple[int, ...]
) -> None:
    hits = echo.hits
    client.send(head)
    answer = client.response()
    assert answer.status in status
    assert answer.one(b"connection") == b"close"
    assert answer.complete
    assert echo.hits == hits


def test_what_comes_after_an_early_refusal_is_not_read_for_long(client: RawClient) -> None:
    client.send(b"POST /any/x" + HOST + b"Content-Length: 100000000\r\n\r\n")
    assert client.response().complete
    begun = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - begun < 5:
            client.send(b"a" * 65536)
            time.sleep(0.01)
    assert time.monotonic() - begun < 3.5


def test_a_chunked_body_that_grows_over_the_limit_is_413(client: RawClient, echo: RawUpstream) -> None:
    before = len(echo.requests)
    client.send(b"POST /public/x" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(20):
        client.send(b"2000\r\n" + b"a" * 0x2000 + b"\r\n")
    answer = client.response()
    assert (answer.status, answer.one(b"gateway-reason")) == (413, b"body-too-large")
    assert answer.one(b"connection") == b"close"
    assert not [request for request in echo.requests[before:] if request.complete]


# Expect: 100-continue.


def test_continue_is_sent_once_when_the_request_is_allowed(client: RawClient) -> None:
    client.send(b"POST /public/x" + HOST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert client.reader.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
    client.send(b"hello")
    head = client.reader.until(b"\r\n\r\n")
    assert head is not None
    assert head.startswith(b"HTTP/1.1 200 ")
    seen = Echo.of(client.reader.exactly(int(RawMessage(head).one(b"content-length") or b"0")))
    assert seen.body == "hello"
    assert seen.all("expect") == []


def test_continue_is_not_sent_when_the_body_is_here(client: RawClient) -> None:
    client.send(b"POST /public/x" + HOST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
    heads: list[bytes] = []
    while not heads or b" 100 " in heads[-1]:
        heads.append(client.reader.until(b"\r\n\r\n") or b"")
    assert len([head for head in heads if b" 100 " in head]) <= 1
    assert b" 200 " in heads[-1]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /any/x" + HOST + b"Content-Length: 5\r\n", 401),
        (b"POST /public/x" + HOST + b"Content-Length: 70000\r\n", 413),
        (b"PUT /public/x" + HOST + b"Content-Length: 5\r\n", 405),
        (b"POST /auth/sessions" + HOST + b"Content-Length: 5\r\n", 405),
        (b"POST /auth/logout-all" + HOST + b"Content-Length: 5\r\n", 401),
    ],
)
def test_a_refused_expectation_gets_no_continue(client: RawClient, head: bytes, status: int) -> None:
    client.send(head + b"Expect: 100-continue\r\n\r\n")
    first = client.reader.until(b"\r\n\r\n")
    assert first is not None
    assert RawMessage(first).status == status
    assert RawMessage(first).one(b"connection") == b"close"


def test_a_client_that_waits_for_continue_owes_no_body_before_it(client: RawClient) -> None:
    client.send(b"POST /public/x" + HOST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert client.reader.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
    assert_refused(client, 408, "request-timeout")


def test_an_unknown_expectation_is_ignored(client: RawClient) -> None:
    assert client.ask(get(b"/public/x", b"Expect: something")).status in (200, 417)
