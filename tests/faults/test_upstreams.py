"""Upstreams at fault: what the client sees, how soon, and that nothing of it stays behind.

F01 and so on are the faults of the catalogue in the design notes: each under good traffic to another route.
"""

import gzip
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.faults.scripts import CHUNKED, GET, LONG, POST, doing, refused
from tests.faults.steady import beset, memory, timed
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient, ask, get
from tests.support.raw_upstream import Peer, RawUpstream, ok


def trickle(data: bytes, pause: float) -> Callable[[Peer], None]:
    def action(peer: Peer) -> None:
        for byte in data:
            peer.send(bytes([byte]))
            time.sleep(pause)

    return action


def flood(start: bytes, more: bytes, size: int = 200_000_000) -> Callable[[Peer], None]:
    """`start`, then `more` again and again, until the gateway has had enough or `size` bytes are out."""

    def action(peer: Peer) -> None:
        peer.send(start)
        sent = 0
        with suppress(OSError):
            while sent < size:
                peer.send(more)
                sent += len(more)
        peer.ended = True

    return action


def slowing_down(peer: Peer) -> None:
    trickle(b"abc", 0.1)(peer)
    peer.gone()


def a_status_line(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\n")
    peer.gone()


@pytest.mark.parametrize("raw", [GET, POST], ids=["GET", "POST"])
def test_f01_accepts_and_closes(raw: bytes) -> None:
    with RawUpstream(Peer.close) as upstream, beset(upstream.url, transport={"retries": 1}) as gateway:
        answer, took = timed(lambda: ask(gateway.port, raw))
        assert refused(answer) == (502, b"upstream-invalid")
        assert took < 0.3
        assert len(upstream.peers) == (2 if raw is GET else 1)


@pytest.mark.parametrize(
    "action",
    [lambda peer: peer.gone(), trickle(ok(), 0.05), a_status_line],
    ids=["F02 silence", "F03 a byte at a time", "F04 a status line, then silence"],
)
def test_f02_f03_f04_no_head_in_time(action: Callable[[Peer], None]) -> None:
    with RawUpstream(doing(action)) as upstream, beset(upstream.url, response_timeout=0.4) as gateway:
        answer, took = timed(lambda: get(gateway.port))
        assert refused(answer) == (504, b"upstream-timeout")
        assert 0.35 < took < 0.8
        eventually(lambda: upstream.peers[0].ended or bool(upstream.errors))
        assert get(gateway.port, "/well").status == 200


CUT: dict[str, tuple[bytes, Callable[[Peer], None]]] = {
    "F05 stalls in its length": (LONG, lambda peer: peer.gone()),
    "F05 stalls between chunks": (CHUNKED + b"4\r\npart\r\n", lambda peer: peer.gone()),
    "F05 a byte at a time is no stall, until it stops": (LONG, slowing_down),
    "F06 reset in its length": (LONG, lambda peer: peer.reset()),
    "F06 reset between chunks": (CHUNKED + b"4\r\npart\r\n", lambda peer: peer.reset()),
    "F07 shorter than its length": (LONG, lambda peer: peer.close()),
    "F09 invalid size": (CHUNKED + b"4\r\npart\r\nXYZ\r\n", lambda peer: peer.gone()),
    "F09 size that overflows": (CHUNKED + b"4\r\npart\r\n" + b"f" * 17 + b"\r\n", lambda peer: peer.gone()),
    "F09 no line break after a chunk": (CHUNKED + b"4\r\npartXX4\r\npart\r\n", lambda peer: peer.gone()),
    "F09 endless extension": (CHUNKED + b"4\r\npart\r\n", flood(b"4;", b"a" * 10_000)),
    "F09 endless trailers": (CHUNKED + b"4\r\npart\r\n0\r\n", flood(b"", b"X-A: b\r\n" * 1000)),
}


@pytest.mark.parametrize(("start", "action"), list(CUT.values()), ids=list(CUT))
def test_f05_f06_f07_f09_a_body_that_goes_wrong_never_looks_whole(start: bytes, action: Callable[[Peer], None]) -> None:
    def begin(peer: Peer) -> None:
        peer.send(start)
        time.sleep(0.05)
        action(peer)

    with (
        RawUpstream(doing(begin)) as upstream,
        beset(upstream.url, idle_timeout=0.3) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(GET)
        started = time.monotonic()
        answer = client.reader.message(response=True)
        assert answer is not None
        assert (answer.status, answer.complete) == (200, False)
        assert answer.body.startswith(b"part")
        assert time.monotonic() - started < 1.0
        assert get(gateway.port, "/well").status == 200


def test_f06_reset_before_the_head() -> None:
    with RawUpstream(doing(lambda peer: peer.reset())) as upstream, beset(upstream.url) as gateway:
        assert refused(ask(gateway.port, POST)) == (502, b"upstream-invalid")
        assert get(gateway.port, "/well").status == 200


def test_f07_longer_than_its_length() -> None:
    surplus = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    with RawUpstream(doing(lambda peer: peer.send(ok() + surplus))) as upstream, beset(upstream.url) as gateway:
        for _ in range(5):
            assert get(gateway.port).body == b"ok"
        assert len(upstream.peers) == 5
        assert {get(gateway.port, "/well").body for _ in range(5)} == {b"ok"}


ENDLESS: dict[str, Callable[[Peer], None]] = {
    "fields": flood(b"HTTP/1.1 200 OK\r\n", b"X-A: aaaaaaaa\r\n" * 1000),
    "one field": flood(b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 10_000),
    "status line": flood(b"HTTP/1.1 200 ", b"a" * 10_000),
    "interim answers": flood(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 100),
    "empty lines": flood(b"", b"\r\n" * 5_000),
}


@pytest.mark.parametrize("action", list(ENDLESS.values()), ids=list(ENDLESS))
def test_f08_an_endless_head_is_given_up_at_once(action: Callable[[Peer], None]) -> None:
    before = memory()
    with RawUpstream(doing(action)) as upstream, beset(upstream.url) as gateway:
        answer, took = timed(lambda: get(gateway.port))
        assert refused(answer) == (502, b"upstream-invalid")
        assert took < 1.0
        eventually(lambda: upstream.peers[0].ended)
    assert memory() - before < 20


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n\r\n", CHUNKED], ids=["until close", "chunked"])
def test_f08_an_endless_body_flows_through_flat_memory(start: bytes) -> None:
    piece = b"4000\r\n" + b"a" * 0x4000 + b"\r\n" if start is CHUNKED else b"a" * 0x4000
    with RawUpstream(doing(flood(start, piece))) as upstream, beset(upstream.url) as gateway:
        before = memory()
        with RawClient(gateway.port) as client:
            client.send(GET)
            received = 0
            while received < 60_000_000:
                received += len(client.sock.recv(1_000_000))
            assert memory() - before < 16
        eventually(lambda: upstream.peers[0].ended)


def test_f08_a_client_that_stops_reading_stops_the_upstream() -> None:
    sent: list[int] = []

    def endless(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(OSError):
            while True:
                peer.send(b"a" * 0x4000)
                sent.append(0x4000)

    with RawUpstream(doing(endless)) as upstream, beset(upstream.url) as gateway, RawClient(gateway.port) as client:
        before = memory()
        client.send(GET)
        eventually(lambda: len(sent) > 10)
        time.sleep(0.3)
        stuck = len(sent)
        time.sleep(0.2)
        assert len(sent) == stuck
        assert memory() - before < 16
        client.reset()


def test_f10_a_gzip_bomb_is_passed_on_as_it_is() -> None:
    bomb = gzip.compress(bytes(50_000_000), 1)
    with (
        RawUpstream(doing(lambda peer: peer.send(ok(bomb, b"Content-Encoding: gzip")))) as upstream,
        beset(upstream.url) as gateway,
    ):
        before = memory()
        answer = get(gateway.port)
        assert (answer.body, answer.one(b"content-encoding")) == (bomb, b"gzip")
        assert memory() - before < 16
