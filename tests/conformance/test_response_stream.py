"""P86-P95: answers without a length, cut short or without an end, and clients that read slowly or leave."""

import socket
import threading
import time
from functools import partial

import pytest

from tests.conformance.stage import Stage, resident
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, ok

MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\n"
EVENTS = OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def once(response: bytes, stage: Stage) -> None:
    """The upstream answers once on each connection, and closes."""

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(response)

    stage.plays(script)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize("body", [b"", b"hello" * 50_000], ids=["empty", "250 KB"])
def test_p86_an_answer_that_ends_by_close_is_framed_anew(stage: Stage, body: bytes) -> None:
    once(OK + b"\r\n" + body, stage)
    with stage.client() as client:
        for _ in range(2):
            answer = client.ask(stage.request())
            assert (answer.body, answer.complete) == (body, True)
            assert answer.all(b"transfer-encoding") + answer.all(b"content-length") in ([b"chunked"], [b"0"])
    with stage.client() as client:
        answer = client.ask(b"GET %b HTTP/1.0\r\nHost: x\r\n\r\n" % stage.path().encode())
        assert (answer.body, answer.all(b"transfer-encoding")) == (body, [])
        assert client.ended()


CUT = {
    "shorter than its length": OK + b"Content-Length: 100000\r\n\r\n" + b"x" * 50_000,
    "cut in a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 50_000,
    "cut between chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"x" * 50_000),
    "cut before the last line": OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"x" * 50_000) + b"0\r\n",
    "an invalid chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"x" * 50_000) + b"zz\r\nxx\r\n",
}


def assert_cut(stage: Stage, response: bytes) -> None:
    """The client sees that something is missing, or gets a 502 if nothing had been said yet."""

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            head, _, rest = response.partition(b"\r\n\r\n")
            peer.send(head + b"\r\n\r\n" + rest[:1000])
            time.sleep(0.05)
            peer.send(rest[1000:])

    stage.plays(script)
    with stage.client() as client:
        client.send(stage.request())
        received = client.reader.rest()
    assert received.startswith(b"HTTP/1.1 200 ")
    assert not received.endswith(b"0\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    length = RawMessage(head).one(b"content-length")
    assert length is None or len(body) < int(length)


def test_p87_a_short_body_is_cut_and_noted(stage: Stage) -> None:
    assert_cut(stage, CUT["shorter than its length"])
    eventually(lambda: any(_is_noted(line, stage) for line in stage.gateway.log_lines()))


def _is_noted(line: dict[str, object], stage: Stage) -> bool:
    return line.get("path") == stage.path() and line.get("reason") == "upstream-invalid"


@pytest.mark.parametrize("how", [name for name in CUT if "length" not in name])
def test_p88_broken_chunks_never_end_well(stage: Stage, how: str) -> None:
    assert_cut(stage, CUT[how])


@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X-No: framing"])
def test_p89_the_head_does_not_wait_for_the_body(stage: Stage, framing: bytes) -> None:
    go = threading.Event()

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(OK + framing + b"\r\n\r\n")
            go.wait(10)
            peer.send(b"5\r\nhello\r\n0\r\n\r\n" if b"chunked" in framing else b"hello")

    stage.plays(script)
    with stage.client() as client:
        client.send(stage.request())
        head = client.reader.until(b"\r\n\r\n")
        assert head is not None
        go.set()
        client.reader.buffer = head + b"\r\n\r\n" + client.reader.buffer
        assert client.response().body == b"hello"


def test_p90_each_event_comes_at_once_and_as_it_is(stage: Stage) -> None:
    """The next event is not written before the last one was read: one that is held back holds up everything."""
    read = threading.Semaphore(0)
    sent: list[float] = []

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(EVENTS)
            for number in range(20):
                sent.append(time.monotonic())
                peer.send(chunk(b"data: %d\n\n" % number))
                read.acquire(timeout=5)
            peer.send(b"0\r\n\r\n")

    stage.plays(script)
    delays = []
    with stage.client() as client:
        client.send(stage.request("GET", "/", "Accept-Encoding: gzip, br"))
        head = RawMessage(client.reader.until(b"\r\n\r\n") or b"")
        assert head.all(b"content-encoding") == []
        for number in range(20):
            assert client.reader.until(b"\r\n") == b"%x" % len(b"data: %d\n\n" % number)
            assert client.reader.until(b"\r\n") == b"data: %d\n\n" % number
            delays.append(time.monotonic() - sent[-1])
            read.release()
        assert client.reader.until(b"\r\n\r\n") == b"0"
    assert sorted(delays)[10] < 0.05


def test_p91_a_silent_event_stream_stays_open(stage: Stage) -> None:
    """Three times as long as this route's upstream may be silent in other answers."""

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(EVENTS)
            time.sleep(1.5)
            peer.send(chunk(b"data: late\n\n") + b"0\r\n\r\n")

    stage.plays(script)
    assert stage.ask("GET", "/", kind="hasty").body == b"data: late\n\n"


def test_p92_a_client_that_does_not_read_stalls_the_upstream(stage: Stage) -> None:
    size = 64 * MIB
    sent = [0]

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(OK + b"Content-Length: %d\r\n\r\n" % size)
            for _ in range(64):
                peer.send(b"x" * MIB)
                sent[0] += MIB

    stage.plays(script)
    before = resident(stage.gateway)
    with stage.client() as client:
        client.send(stage.request())
        eventually(lambda: sent[0] > 0, 5)
        stalled_at = -1
        while stalled_at != sent[0]:
            stalled_at = sent[0]
            time.sleep(0.3)
        assert stalled_at < size
        assert resident(stage.gateway) - before < 16 * MIB
        assert len(client.response().body) == size
    assert resident(stage.gateway) - before < 16 * MIB


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("opening", [EVENTS, OK + b"Content-Length: 100\r\n\r\nx"], ids=["events", "length"])
def test_p93_a_client_that_leaves_takes_the_upstream_along(stage: Stage, opening: bytes, reset: bool) -> None:
    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(opening)
            peer.gone()

    stage.plays(script)
    with stage.client() as client:
        client.send(stage.request())
        assert client.reader.until(b"\r\n\r\n") is not None
        if reset:
            client.reset()
    begun = time.monotonic()
    eventually(lambda: stage.upstream.peers[0].ended, 5)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("body", [b"", b"hello"], ids=["no body", "body"])
def test_p94_a_client_that_leaves_before_the_answer_takes_the_upstream_along(stage: Stage, body: bytes) -> None:
    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.gone()

    stage.plays(script)
    with stage.client() as client:
        client.send(stage.request("POST", "/", f"Content-Length: {len(body)}", body=body))
        eventually(lambda: stage.upstream.hits == 1, 5)
    begun = time.monotonic()
    eventually(lambda: stage.upstream.peers[0].ended, 5)
    assert time.monotonic() - begun < 2


def test_p94_a_client_that_closes_its_half_has_left(stage: Stage) -> None:
    """A FIN is all that tells of most departures, so that a half-closed client is not waited for."""

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.gone()

    stage.plays(script)
    with stage.client() as client:
        client.send(stage.request())
        eventually(lambda: stage.upstream.hits == 1, 5)
        client.sock.shutdown(socket.SHUT_WR)
        eventually(lambda: stage.upstream.peers[0].ended, 5)
        assert client.ended()


def _has_hits(stage: Stage, enough: int) -> bool:
    return stage.upstream.hits >= enough


def test_p95_a_thousand_departures_leave_the_pool_whole(stage: Stage) -> None:
    """In waves of 250, which is nearly all connections that this upstream is given."""

    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if request.target == b"/stay":
                peer.send(ok())
            else:
                peer.gone()
                return

    stage.plays(script)
    for _ in range(4):
        clients = [RawClient(stage.port) for _ in range(250)]
        enough = stage.upstream.hits + 150
        for client in clients:
            client.send(stage.request("GET", "/leave"))
        eventually(partial(_has_hits, stage, enough), 10)
        for client in clients:
            client.close()
    with stage.client() as client:
        for _ in range(20):
            assert client.ask(stage.request("GET", "/stay")).body == b"ok"
    eventually(lambda: sum(not peer.ended for peer in stage.upstream.peers) <= 1, 5)
