"""HTTP/2: every request is judged and bounded by the rules of HTTP/1.1."""

import time

import pytest

from tests.server.h2_upstream import refused
from tests.support.echo_upstream import Echo
from tests.support.eventually import eventually
from tests.support.h2_client import (
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    Fields,
    H2Client,
    block,
    frame,
    request,
)
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway


@pytest.mark.parametrize(
    ("target", "status", "reason"),
    [
        (b"/any/x#public", 400, "path-ambiguous"),
        (b"/public/../any/x", 400, "path-ambiguous"),
        (b"/public//x", 400, "path-ambiguous"),
        (b"/public/%2e%2e/any/x", 400, "path-ambiguous"),
        (b"/public/a b", 400, "path-ambiguous"),
        (b"/public/\xff", 400, "path-ambiguous"),
        (b"public/x", 400, "path-ambiguous"),
        (b"*", 400, "path-ambiguous"),
        (b"http://gw.test/any/x", 401, "token-missing"),
        (b"http://gw.test/public/../any/x", 400, "path-ambiguous"),
        (b"/public/x?" + b"y" * 2000, 414, "target-too-long"),
        (b"/nowhere", 404, "no-route"),
    ],
)
def test_targets_are_judged_by_the_same_rules(
    h2: H2Client, target: bytes, status: int, reason: str, echo: RawUpstream
) -> None:
    before = echo.hits
    assert refused(h2.ask(request(target))) == (status, reason)
    assert echo.hits == before


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (request(method=b"get"), 405),
        (request(method=b"TRACE"), 405),
        ([(b":method", b"CONNECT"), (b":protocol", b"websocket"), *request()[1:]], 405),
        ([field for field in request() if field[0] != b":authority"], 400),
        ([(name, b"u@gw.test" if name == b":authority" else value) for name, value in request()], 400),
        ([(name, b"gw.test/x" if name == b":authority" else value) for name, value in request()], 400),
        (request(b"/public/x", (b"content-length", b"0"), (b"content-length", b"0")), 400),
        (request(b"/public/x", (b"authorization", b"a"), (b"authorization", b"b")), 400),
        (request(b"/public/x", *((b"x-%d" % n, b"v") for n in range(50))), 431),
        (request(b"/public/x", (b"x-long", b"v" * 5000)), 431),
    ],
    ids=[
        "method in lower case", "trace", "extended connect", "no authority", "user in authority", "path in authority",
        "two lengths", "two authorizations", "too many fields", "too long fields",
    ],
)  # fmt: skip
def test_fields_are_judged_by_the_same_rules(h2: H2Client, fields: Fields, status: int) -> None:
    assert h2.ask(fields).status == status


BROKEN: dict[str, Fields] = {
    "two paths": request(b"/public/x", (b":path", b"/any/x")),
    "pseudo field late": [request()[0], (b"x", b"y"), *request()[1:]],
    "unknown pseudo field": request(b"/public/x", (b":user", b"admin")),
    "upper case": request(b"/public/x", (b"X-User-Id", b"1")),
    "connection": request(b"/public/x", (b"connection", b"x-user-id")),
    "transfer-encoding": request(b"/public/x", (b"transfer-encoding", b"chunked")),
    "upgrade": request(b"/public/x", (b"upgrade", b"websocket")),
    "line break in a value": request(b"/public/x", (b"a", b"b\r\nx-user-id: 1")),
    "nul in a value": request(b"/public/x", (b"a", b"b\0")),
    "line break in a name": request(b"/public/x", (b"a\r\nb", b"c")),
    "space in a name": request(b"/public/x", (b"a b", b"c")),
    "empty name": request(b"/public/x", (b"", b"c")),
    "line break in the path": request(b"/public/x HTTP/1.1\r\nx: y"),
    "empty path": request(b""),
    "line break in the method": request(method=b"GET /\r\n"),
    "no method": request()[1:],
    "no scheme": [request()[0], *request()[2:]],
    "two hosts": request(b"/public/x", (b"host", b"other.test")),
    "length without a body": request(b"/public/x", (b"content-length", b"5")),
    "length that is none": request(b"/public/x", (b"content-length", b"+1")),
    "connect": [(b":method", b"CONNECT"), (b":authority", b"gw.test:443")],
}


@pytest.mark.parametrize("fields", BROKEN.values(), ids=BROKEN)
def test_malformed_requests_end_their_stream_only(
    both: RunningGateway, h2: H2Client, fields: Fields, echo: RawUpstream
) -> None:
    before = echo.hits
    assert h2.ask(fields).reset == 1
    assert echo.hits == before
    assert h2.ask(request()).status == 200


def test_malformed_requests_are_logged(both: RunningGateway, h2: H2Client) -> None:
    before = sum(line.get("reason") == "header-ambiguous" for line in both.log_lines())
    h2.ask(BROKEN["two paths"])
    eventually(lambda: sum(line.get("reason") == "header-ambiguous" for line in both.log_lines()) > before)


def test_trailers_never_become_fields(h2: H2Client) -> None:
    stream = h2.open(request(b"/public/x", method=b"POST"), end=False)
    h2.data(stream, b"hello")
    trailer = block([(b"x-user-id", b"1"), (b"x-note", b"2")])
    h2.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, trailer))
    seen = Echo.of(h2.answer(stream).body)
    assert (seen.body, seen.all("x-user-id"), seen.all("x-note")) == ("hello", [], [])


@pytest.mark.parametrize("data", [b"abc", b"abcdefgh"], ids=["short", "long"])
def test_a_body_of_another_length_than_announced_is_never_whole(h2: H2Client, data: bytes) -> None:
    stream = h2.open(request(b"/public/x", (b"content-length", b"5"), method=b"POST"), end=False)
    h2.data(stream, data, end=True)
    assert h2.answer(stream).reset == 1
    assert h2.ask(request()).status == 200


def test_a_body_over_the_limit_is_refused_while_it_comes(h2: H2Client) -> None:
    announced = h2.ask(request(b"/public/x", (b"content-length", b"100000"), method=b"POST"), b"")
    assert announced.reset == 1
    stream = h2.open(request(b"/public/x", method=b"POST"), end=False)
    for _ in range(6):
        h2.data(stream, b"x" * 16_000)
    answer = h2.answer(stream)
    assert refused(answer) == (413, "body-too-large")
    while answer.reset is None:
        assert h2.read()
    assert answer.reset == 0
    assert h2.ask(request()).status == 200


def test_a_body_that_stalls_is_refused(h2: H2Client) -> None:
    stream = h2.open(request(b"/public/x", method=b"POST"), end=False)
    h2.data(stream, b"hel")
    begun = time.monotonic()
    assert refused(h2.answer(stream)) == (408, "request-timeout")
    assert 0.9 < time.monotonic() - begun < 3
    assert h2.ask(request()).status == 200


def test_silence_and_idleness_end(both: RunningGateway) -> None:
    with RawClient(both.port) as silent, RawClient(both.port) as half, H2Client(both.port) as idle:
        half.send(PREFACE[:10])
        assert idle.ask(request()).status == 200
        begun = time.monotonic()
        assert silent.ended()
        assert half.ended()
        assert time.monotonic() - begun < 2
        assert idle.ended()
        assert 1.5 < time.monotonic() - begun < 4
        assert idle.goaway == 0


def test_pings_keep_no_connection(both: RunningGateway) -> None:
    with H2Client(both.port) as client:
        client.ask(request())
        begun = time.monotonic()
        client.sock.settimeout(0.2)
        while not client.closed and time.monotonic() - begun < 15:
            try:
                client.send(frame(PING, 0, 0, bytes(8)))
                client.read()
            except (TimeoutError, OSError):
                continue
        assert client.pongs > 3
        assert client.closed


def test_a_head_that_never_ends_is_cut_off(both: RunningGateway) -> None:
    with H2Client(both.port) as client:
        client.send(frame(HEADERS, 0, 1, block(request())))
        begun = time.monotonic()
        assert client.ended()
        assert time.monotonic() - begun < 3
