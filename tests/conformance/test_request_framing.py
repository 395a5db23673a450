"""P42-P52: how long a request is, said in one way only, and what two readers could see differently is refused."""

import pytest

from tests.conformance.stage import Stage, sized
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, ok

CHUNKED = "Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
SMUGGLED = b"GET /svc/smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n"


def assert_framing_refused(client: RawClient, stage: Stage) -> None:
    """One 4xx or 501, then the end; the upstream got nothing whole."""
    answer = client.response()
    assert answer.status in (400, 501), answer.head
    assert answer.one(b"connection") == b"close"
    assert client.ended()
    assert not any(request.complete for request in stage.upstream.requests)


def framing(message: RawMessage) -> list[tuple[bytes, bytes]]:
    return [field for field in message.fields if field[0] in (b"content-length", b"transfer-encoding")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_p42_no_body_is_no_body(stage: Stage, method: str) -> None:
    def script(peer: Peer) -> None:
        while peer.head() is not None:
            peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    stage.plays(script)
    with stage.client() as client:
        for _ in range(2):
            assert client.ask(stage.request(method)).status == 204
    assert [framing(request) for request in stage.upstream.requests] == [[], []]


@pytest.mark.parametrize("size", [0, 5, 1_000_000])
def test_p43_a_body_keeps_its_length_and_bytes(stage: Stage, size: int) -> None:
    body = bytes(number % 251 for number in range(size))
    assert stage.ask("POST", "/", sized(body), body=body).status == 200
    assert framing(stage.seen) == [(b"content-length", str(size).encode())]
    assert stage.seen.body == body


@pytest.mark.parametrize("size", [5, 200_000])
def test_p44_chunks_are_the_hops_own(stage: Stage, size: int) -> None:
    raw = bytearray()

    def script(peer: Peer) -> None:
        while not raw.endswith(b"0\r\n\r\n") and peer.reader.more():
            raw.extend(peer.reader.buffer)
            peer.reader.buffer = b""
        peer.send(ok())

    stage.plays(script)
    body = bytes(number % 251 for number in range(size))
    pieces = [body[start : start + 7001] for start in range(0, size, 7001)]
    chunks = b"".join(b'%x;ext="a;b";more\r\n%b\r\n' % (len(piece), piece) for piece in pieces) + b"0;last\r\n\r\n"
    assert stage.ask("POST", "/", CHUNKED, body=chunks).status == 200
    head, _, rest = bytes(raw).partition(b"\r\n\r\n")
    assert framing(RawMessage(head)) == [(b"transfer-encoding", b"chunked")]
    assert b";" not in rest.partition(b"\r\n")[0]
    decoded = b""
    while rest != b"0\r\n\r\n":
        line, _, rest = rest.partition(b"\r\n")
        length = int(line, 16)
        decoded, rest = decoded + rest[:length], rest[length + 2 :]
    assert decoded == body


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_p45_any_method_may_have_a_body(stage: Stage, method: str) -> None:
    assert stage.ask(method, "/", "Content-Length: 5", body=b"hello").status == 200
    assert (framing(stage.seen), stage.seen.body) == ([(b"content-length", b"5")], b"hello")


@pytest.mark.parametrize("lines", [("Content-Length: 5", CHUNKED), (CHUNKED, "Content-Length: 5")])
def test_p46_a_length_and_a_coding_together_are_refused(stage: Stage, lines: tuple[str, str]) -> None:
    with stage.client() as client:
        client.send(stage.request("POST", "/", *lines, body=HELLO + SMUGGLED))
        assert_framing_refused(client, stage)


CODINGS = ["xchunked", "chunked, identity", "identity", "\x0bchunked", "\x0cchunked", "chunked\x00", "chunked;a=b"]
CODINGS += ["", "gzip", "gzip, chunked", "chunked, chunked", '"chunked"', "chunked\r\nTransfer-Encoding: chunked"]


@pytest.mark.parametrize("coding", CODINGS)
def test_p47_only_chunked_is_a_transfer_coding(stage: Stage, coding: str) -> None:
    with stage.client() as client:
        client.send(stage.request("POST", "/", f"Transfer-Encoding: {coding}", body=HELLO + SMUGGLED))
        assert_framing_refused(client, stage)


LENGTHS = ["+5", "-1", "0x5", "1_0", "5, 5", "5 5", "", "18446744073709551621", "5\r\nContent-Length: 5"]
LENGTHS += ["5\r\nContent-Length: 6", "5,", "\x0b5", "5.0", "５".encode().decode("latin-1")]


@pytest.mark.parametrize("length", LENGTHS)
def test_p48_a_length_is_digits_once(stage: Stage, length: str) -> None:
    with stage.client() as client:
        client.send(stage.request("POST", "/", f"Content-Length: {length}", body=b"hello" + SMUGGLED))
        assert_framing_refused(client, stage)


SIZES = {
    "0x5": b"0x5\r\nhello\r\n0\r\n\r\n",
    "+5": b"+5\r\nhello\r\n0\r\n\r\n",
    "space before": b" 5\r\nhello\r\n0\r\n\r\n",
    "space after": b"5 \r\nhello\r\n0\r\n\r\n",
    "tab after": b"5\t\r\nhello\r\n0\r\n\r\n",
    "empty extension": b"5;\r\nhello\r\n0\r\n\r\n",
    "1_0": b"1_0\r\nhellohellohello!\r\n0\r\n\r\n",
    "overflow": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "bare LF after": b"5\nhello\r\n0\r\n\r\n",
    "longer than said": b"5\r\nhelloX\r\n0\r\n\r\n",
    "no end of chunk": b"5\r\nhello0\r\n\r\n",
}


@pytest.mark.parametrize("chunks", SIZES.values(), ids=SIZES)
def test_p49_a_chunk_size_is_hexadecimal_digits(stage: Stage, chunks: bytes) -> None:
    with stage.client() as client:
        client.send(stage.request("POST", "/", CHUNKED, body=chunks + SMUGGLED))
        assert_framing_refused(client, stage)


LINES = {
    "bare LF": b"GET %b HTTP/1.1\nHost: gw.test\n\n",
    "bare LF once": b"GET %b HTTP/1.1\r\nX-A: 1\nHost: gw.test\r\n\r\n",
    "bare CR": b"GET %b HTTP/1.1\r\nX-A: 1\rX-B: 2\r\nHost: gw.test\r\n\r\n",
    "CR alone ends": b"GET %b HTTP/1.1\rHost: gw.test\r\r",
    "obs-fold": b"GET %b HTTP/1.1\r\nHost: gw.test\r\nX-A: 1\r\n 2\r\n\r\n",
    "folded with a tab": b"GET %b HTTP/1.1\r\nHost: gw.test\r\nX-A: 1\r\n\tX-B: 2\r\n\r\n",
    "space before the colon": b"GET %b HTTP/1.1\r\nHost: gw.test\r\nX-A : 1\r\n\r\n",
    "a line that begins with space": b"GET %b HTTP/1.1\r\n Host: gw.test\r\nHost: gw.test\r\n\r\n",
    "no colon": b"GET %b HTTP/1.1\r\nHost: gw.test\r\nX-A\r\n\r\n",
    "empty name": b"GET %b HTTP/1.1\r\nHost: gw.test\r\n: 1\r\n\r\n",
    "NUL in a value": b"GET %b HTTP/1.1\r\nHost: gw.test\r\nX-A: 1\x002\r\n\r\n",
}


@pytest.mark.parametrize("request_line", LINES.values(), ids=LINES)
def test_p50_lines_end_in_one_way(stage: Stage, request_line: bytes) -> None:
    with stage.client() as client:
        client.send(request_line % stage.path().encode())
        assert_framing_refused(client, stage)
    assert stage.upstream.hits == 0


def test_p51_pipelined_requests_are_answered_in_order(stage: Stage) -> None:
    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            peer.send(ok(request.target + request.body))

    stage.plays(script)
    with stage.client() as client:
        posted = stage.request("POST", "/two", "Content-Length: 5", body=b"hello")
        client.send(stage.request("GET", "/one") + posted + stage.request("GET", "/three"))
        assert [client.response().body for _ in range(3)] == [b"/one", b"/twohello", b"/three"]


def test_p52_garbage_after_a_request_is_refused_in_its_turn(stage: Stage) -> None:
    with stage.client() as client:
        client.send(stage.request() + b"GARBAGE\x00\r\n\r\n" + stage.request())
        first = client.response()
        assert (first.status, first.body) == (200, b"ok")
        second = client.response()
        assert (second.status, second.one(b"connection")) == (400, b"close")
        assert client.ended()
    assert stage.upstream.hits == 1
