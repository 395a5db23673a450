"""Back-pressure: who does not read stalls the one who writes to it, and nobody else; nothing piles up."""

import threading
import time
from collections.abc import Callable

from tests.proxy.harness import forwarding_to, route_for
from tests.support.eventually import eventually
from tests.support.raw_upstream import Peer, RawUpstream
from tests.support.raw_websocket import (
    BINARY,
    PING,
    TEXT,
    RawFrame,
    RawWebSocket,
    accepted,
    close_frame,
    close_of,
    frame,
    read_frame,
    until_close,
)

ROUTE = route_for(websocket=True)
PIECE = 64 * 1024
COUNT = 640
ALL = PIECE * COUNT
# What sockets and the gateway may hold between two ends that do not read; the rest of ALL stays with the sender.
MOST_HELD = 16 * 2**20


def numbered(number: int) -> bytes:
    return number.to_bytes(4, "big") * (PIECE // 4)


class Flood:
    """Sends ALL in messages, and says how much could be sent so far."""

    def __init__(self, send: Callable[[bytes], None], *, mask: bool) -> None:
        self.sent = 0
        self.failed = False
        self._send = send
        self._mask = mask
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            for number in range(COUNT):
                self._send(frame(BINARY, numbered(number), mask=self._mask))
                self.sent += PIECE
        except OSError:
            self.failed = True

    def stalled(self) -> int:
        """How much was sent, once nothing moves any more."""
        before = -1
        while self.sent != before:
            before = self.sent
            time.sleep(0.3)
        return self.sent


def echo_small(peer: Peer) -> None:
    accepted(peer)
    while (found := read_frame(peer.reader)) is not None and close_of(found) is None:
        peer.send(frame(found.opcode, found.data, mask=False))


def test_a_client_that_does_not_read_stalls_its_upstream_and_no_one_else() -> None:
    floods: list[Flood] = []

    def script(peer: Peer) -> None:
        if peer.number == 0:
            peer.sock.settimeout(30)
            accepted(peer)
            floods.append(Flood(peer.send, mask=False))
            until_close(peer)
        else:
            echo_small(peer)

    with RawUpstream(script) as upstream, forwarding_to(upstream.url, route=ROUTE) as gateway:
        with RawWebSocket(gateway.port, receive_buffer=65536) as slow, RawWebSocket(gateway.port) as other:
            eventually(lambda: bool(floods))
            assert floods[0].stalled() < MOST_HELD
            other.send(frame(TEXT, b"free?"))
            assert other.frame() == RawFrame(TEXT, b"free?")
            # Then it reads, and nothing is missing.
            for number in range(COUNT):
                found = slow.frame()
                assert found is not None
                assert found.data == numbered(number)
            slow.send(close_frame(1000))
        assert not floods[0].failed


def test_an_upstream_that_does_not_read_stalls_its_client() -> None:
    go = threading.Event()
    got: list[bool] = []

    def script(peer: Peer) -> None:
        accepted(peer)
        go.wait(20)
        for number in range(COUNT):
            found = read_frame(peer.reader)
            got.append(found is not None and found.data == numbered(number))
        until_close(peer)

    with (
        RawUpstream(script, receive_buffer=65536) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.sock.settimeout(30)
        flood = Flood(client.send, mask=True)
        assert flood.stalled() < MOST_HELD
        go.set()
        eventually(lambda: len(got) == COUNT, 20)
        flood.thread.join(5)
    assert all(got)


def test_pings_of_who_does_not_read_the_answers_are_not_saved_up() -> None:
    with (
        RawUpstream(echo_small) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port, receive_buffer=4096) as client,
    ):
        pings = frame(PING, b"x" * 125) * 1000
        for _ in range(100):
            client.send(pings)
        client.send(frame(TEXT, b"still there?"))
        answers = 0
        while (found := client.frame()) is not None and found.opcode != TEXT:
            answers += 1
        assert found == RawFrame(TEXT, b"still there?")
        assert 0 < answers < 100_000


def test_a_client_that_vanishes_while_its_upstream_is_stalled_leaves_nothing_behind() -> None:
    floods: list[Flood] = []

    def script(peer: Peer) -> None:
        peer.sock.settimeout(30)
        accepted(peer)
        floods.append(Flood(peer.send, mask=False))
        until_close(peer)

    with RawUpstream(script) as upstream, forwarding_to(upstream.url, route=ROUTE) as gateway:
        client = RawWebSocket(gateway.port, receive_buffer=65536)
        eventually(lambda: bool(floods))
        floods[0].stalled()
        client.reset()
        eventually(lambda: len(gateway.finished.contexts) == 1)
        assert gateway.counters.websockets == 0
        eventually(lambda: not floods[0].thread.is_alive())


def test_a_close_gets_past_a_stall() -> None:
    """The client floods an upstream that does not read, and that then closes: the client hears of it."""

    def script(peer: Peer) -> None:
        accepted(peer)
        time.sleep(1)
        peer.send(close_frame(4001, b"enough", mask=False))
        time.sleep(3)

    with (
        RawUpstream(script, receive_buffer=65536) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.sock.settimeout(30)
        Flood(client.send, mask=True)
        assert close_of(client.frame()) == (4001, b"enough")
