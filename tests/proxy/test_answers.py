"""What a client's socket gets of an upstream's answer."""

import gzip
import time

import pytest

from tests.proxy.harness import forwarding_to
from tests.support.raw_client import RawClient, get
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, RawUpstream, answers, ok


def answer_to(raw: bytes, request: bytes = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n") -> RawMessage:
    """The client's view of `raw`; a second request must still be answered on the same client connection."""
    with (
        RawUpstream(answers(raw)) as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        first = client.ask(request)
        assert client.ask(request).start == first.start
        return first


@pytest.mark.parametrize("status", [b"200 OK", b"299 x", b"404 Not Found", b"418 Teapot", b"500 x", b"599 x"])
def test_any_final_status_is_passed_on(status: bytes) -> None:
    assert answer_to(ok(b"x", status=status)).status == int(status[:3])


@pytest.mark.parametrize("status", [b"600 x", b"999 x"])
def test_a_status_that_does_not_exist_is_a_bad_answer(status: bytes) -> None:
    assert answer_to(ok(b"x", status=status)).status == 502


def test_duplicates_keep_their_order_and_stay_apart() -> None:
    answer = answer_to(ok(b"x", b"Set-Cookie: a=1; Path=/", b"X-A: 1", b"Set-Cookie: b=2", b"X-A: 2"))
    assert [field for field in answer.fields if field[0] in (b"set-cookie", b"x-a")] == [
        (b"set-cookie", b"a=1; Path=/"),
        (b"x-a", b"1"),
        (b"set-cookie", b"b=2"),
        (b"x-a", b"2"),
    ]


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd", b"nonsense"])
def test_an_encoded_body_is_not_touched(coding: bytes) -> None:
    body = gzip.compress(b"text" * 100)
    answer = answer_to(ok(body, b"Content-Encoding: " + coding))
    assert (answer.body, answer.one(b"content-encoding")) == (body, coding)
    assert answer.one(b"content-length") == b"%d" % len(body)


def test_a_chunked_body_keeps_its_bytes() -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
    answer = answer_to(raw)
    assert (answer.body, answer.all(b"transfer-encoding"), answer.all(b"x-t")) == (b"abcde", [b"chunked"], [])


def test_length_and_coding_together_never_reach_the_client() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    answer = answer_to(raw)
    assert answer.status == 502 or (answer.body, answer.all(b"content-length")) == (b"abc", [])


def test_an_answer_ended_by_close_is_whole() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    with RawUpstream(script) as upstream, forwarding_to(upstream.url) as gateway:
        answer = get(gateway.port)
    assert (answer.status, answer.body, answer.complete) == (200, b"all of it", True)


def test_head_has_the_length_and_no_body() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"
    answer = answer_to(raw, b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (answer.status, answer.one(b"content-length")) == (200, b"1234")


def test_not_modified_keeps_its_fields_and_the_connection() -> None:
    answer = answer_to(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 77\r\n\r\n')
    assert (answer.status, answer.one(b"etag"), answer.one(b"content-length")) == (304, b'"x"', b"77")


def test_no_content_has_no_length() -> None:
    answer = answer_to(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
    assert (answer.status, answer.all(b"content-length"), answer.all(b"transfer-encoding")) == (204, [], [])


def test_interim_responses_are_dropped_and_the_final_one_is_right() -> None:
    raw = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + ok(b"final")
    answer = answer_to(raw)
    assert (answer.status, answer.body, answer.all(b"link")) == (200, b"final", [])


def test_switching_protocols_that_nobody_asked_for_is_a_bad_answer() -> None:
    answer = answer_to(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
    assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid")


def test_close_of_the_upstream_is_not_the_clients() -> None:
    answer = answer_to(ok(b"x", b"Connection: close, X-Int", b"X-Int: 1", b"Keep-Alive: timeout=5"))
    assert {b"x-int", b"keep-alive", b"connection"}.isdisjoint(name for name, _ in answer.fields)


def test_date_and_server_are_the_upstreams_and_date_occurs_once() -> None:
    answer = answer_to(ok(b"x", b"Date: Mon, 01 Jan 2024 00:00:00 GMT", b"Server: up/1"))
    assert answer.one(b"date") == b"Mon, 01 Jan 2024 00:00:00 GMT"
    assert answer.one(b"server") == b"up/1"


def test_the_upstream_cannot_speak_as_the_gateway() -> None:
    answer = answer_to(ok(b"x", b"Gateway-Reason: role-missing", b"X-Request-Id: theirs"))
    assert answer.all(b"gateway-reason") == []
    assert answer.one(b"x-request-id") not in (None, b"theirs")


def test_the_head_and_each_piece_come_as_soon_as_they_are_there() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            time.sleep(0.1)
            peer.send(b"8\r\ndata: %d\n\r\n" % number)
        peer.send(b"0\r\n\r\n")

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        started = time.monotonic()
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.reader.until(b"\r\n\r\n") is not None
        assert time.monotonic() - started < 0.1
        for number in range(3):
            assert client.reader.until(b"data: %d\n" % number) is not None
            assert time.monotonic() - started < 0.1 * (number + 1) + 0.08


def test_a_stream_may_be_silent_for_as_long_as_its_route_allows() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        time.sleep(0.5)
        peer.send(b"1\r\nb\r\n0\r\n\r\n")

    with RawUpstream(script) as upstream, forwarding_to(upstream.url, response_timeout=0.2) as gateway:
        assert get(gateway.port).body == b"ab"
