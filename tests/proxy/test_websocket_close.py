"""How WebSockets end: codes and reasons both ways, broken frames, and ends without a word."""

import socket
import time
from collections.abc import Callable

import pytest

from tests.proxy.harness import ForwardServer, forwarding_to, route_for
from tests.support.eventually import eventually
from tests.support.raw_upstream import Peer, RawUpstream
from tests.support.raw_websocket import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    TEXT,
    RawWebSocket,
    accepted,
    close_frame,
    close_of,
    frame,
    read_frame,
    until_close,
)

ROUTE = route_for(websocket=True)
ENDINGS = [
    (1000, b""),
    (1000, b"done"),
    (1001, b""),
    (1003, b"no"),
    (1008, b"policy"),
    (1011, b""),
    (1012, b"restart"),
    (3000, b"registered"),
    (4000, "Gründe".encode()),
    (4999, b"x" * 123),
]
IDS = [f"{code} {len(reason)}" for code, reason in ENDINGS]


class Listener:
    """An upstream that listens for the end, and may make it itself with `sends`."""

    def __init__(self, *sends: bytes) -> None:
        self.sends = sends
        self.ending: tuple[int, bytes] | None = None
        self.ended = False

    def __call__(self, peer: Peer) -> None:
        accepted(peer)
        for data in self.sends:
            peer.send(data)
        self.ending = until_close(peer)
        self.ended = True


@pytest.mark.parametrize(("code", "reason"), ENDINGS, ids=IDS)
def test_what_the_client_says_reaches_the_upstream(code: int, reason: bytes) -> None:
    listener = Listener()
    with (
        RawUpstream(listener) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.send(close_frame(code, reason))
        assert close_of(client.frame()) == (code, reason)
        assert client.frame() is None
        eventually(lambda: listener.ended)
        eventually(lambda: len(gateway.finished.contexts) == 1)
    assert listener.ending == (code, reason)
    assert gateway.finished.contexts[0].status == 101


@pytest.mark.parametrize(("code", "reason"), ENDINGS, ids=IDS)
def test_what_the_upstream_says_reaches_the_client(code: int, reason: bytes) -> None:
    listener = Listener(close_frame(code, reason, mask=False))
    with (
        RawUpstream(listener) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        assert close_of(client.frame()) == (code, reason)
        client.send(close_frame(code, reason))
        assert client.frame() is None
        eventually(lambda: listener.ended)
    assert listener.ending == (code, reason)


def test_no_code_stays_no_code() -> None:
    listener = Listener()
    with (
        RawUpstream(listener) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.send(frame(CLOSE))
        assert close_of(client.frame()) == (1005, b"")
        eventually(lambda: listener.ended)
    assert listener.ending == (1005, b"")


def test_messages_before_a_close_arrive_before_it() -> None:
    sends = [frame(TEXT, b"%d" % number, mask=False) for number in range(200)]
    listener = Listener(b"".join(sends) + close_frame(4000, b"end", mask=False))
    with (
        RawUpstream(listener) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        found = [client.frame() for _ in range(200)]
        assert [each.data for each in found if each is not None] == [b"%d" % number for number in range(200)]
        assert close_of(client.frame()) == (4000, b"end")


@pytest.mark.parametrize("leave", [RawWebSocket.close, RawWebSocket.reset], ids=["close", "reset"])
@pytest.mark.parametrize("in_fragments", [False, True])
def test_a_client_that_vanishes_is_1001_to_the_upstream(
    leave: Callable[[RawWebSocket], None], in_fragments: bool
) -> None:
    listener = Listener()
    with RawUpstream(listener) as upstream, forwarding_to(upstream.url, route=ROUTE) as gateway:
        client = RawWebSocket(gateway.port)
        if in_fragments:
            client.send(frame(TEXT, b"half of", fin=False))
            time.sleep(0.05)
        leave(client)
        eventually(lambda: listener.ended, 1.0)
        eventually(lambda: len(gateway.finished.contexts) == 1)
    assert listener.ending == (1001, b"")


@pytest.mark.parametrize("leave", [Peer.close, Peer.reset], ids=["close", "reset"])
def test_an_upstream_that_vanishes_is_1011_to_the_client(leave: Callable[[Peer], None]) -> None:
    def script(peer: Peer) -> None:
        accepted(peer)
        read_frame(peer.reader)
        leave(peer)

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.send(frame(TEXT, b"go"))
        assert close_of(client.frame()) == (1011, b"")


BROKEN = {
    "no mask": (frame(TEXT, b"x", mask=False), 1002),
    "reserved bit": (frame(TEXT, b"x", rsv1=True), 1002),
    "reserved opcode": (frame(3, b"x"), 1002),
    "reserved control": (frame(11, b"x"), 1002),
    "long ping": (frame(PING, b"x" * 126), 1002),
    "fragmented ping": (frame(PING, b"x", fin=False), 1002),
    "continuation of nothing": (frame(CONT, b"x"), 1002),
    "a text within a text": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    "code 1005": (close_frame(1005), 1002),
    "code 1006": (close_frame(1006), 1002),
    "code 1015": (close_frame(1015), 1002),
    "code 999": (close_frame(999), 1002),
    "code 2999": (close_frame(2999), 1002),
    "code 5000": (close_frame(5000), 1002),
    "half a code": (frame(CLOSE, b"\x03"), 1002),
    "text that is no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "text that ends within a character": (frame(TEXT, "€".encode()[:2]), 1007),
    "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "a reason that is no UTF-8": (close_frame(1000, b"\xff"), 1007),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
def test_a_client_that_breaks_the_protocol_is_told_so_and_nothing_of_it_goes_on(data: bytes, code: int) -> None:
    listener = Listener()
    with (
        RawUpstream(listener) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.send(data)
        assert (close_of(client.frame()) or (0,))[0] == code
        assert client.frame() is None
        eventually(lambda: listener.ended)
    assert listener.ending == (1001, b"")


UNMASKED = {
    name: (data, code)
    for name, (data, code) in {
        "mask": (frame(TEXT, b"x"), 1002),
        "reserved opcode": (frame(3, b"x", mask=False), 1002),
        "continuation of nothing": (frame(CONT, b"x", mask=False), 1002),
        "text that is no UTF-8": (frame(TEXT, b"\xff", mask=False), 1007),
        "code 1006": (close_frame(1006, mask=False), 1002),
    }.items()
}


@pytest.mark.parametrize(("data", "code"), UNMASKED.values(), ids=UNMASKED)
def test_an_upstream_that_breaks_the_protocol_is_told_so_and_the_client_hears_1011(data: bytes, code: int) -> None:
    listener = Listener(data)
    with (
        RawUpstream(listener) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        assert close_of(client.frame()) == (1011, b"")
        eventually(lambda: listener.ended)
    assert (listener.ending or (0,))[0] == code


def test_a_character_may_be_split_over_fragments_and_a_binary_is_never_judged() -> None:
    listener = Listener()
    euro = "€".encode()
    with (
        RawUpstream(listener) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.send(frame(TEXT, euro[:1], fin=False) + frame(CONT, euro[1:2], fin=False) + frame(CONT, euro[2:]))
        client.send(frame(BINARY, b"\xff", fin=False) + frame(CONT, b"\xfe") + close_frame(1000))
        assert close_of(client.frame()) == (1000, b"")


def test_a_client_that_does_not_answer_a_close_is_left_after_a_while() -> None:
    with (
        RawUpstream(Listener(close_frame(1000, mask=False))) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        assert close_of(client.frame()) == (1000, b"")
        begun = time.monotonic()
        assert client.frame() is None
        assert 4 < time.monotonic() - begun < 7


def test_after_the_end_nothing_is_left() -> None:
    with RawUpstream(Listener()) as upstream, forwarding_to(upstream.url, route=ROUTE) as gateway:
        for number in range(20):
            client = RawWebSocket(gateway.port)
            if number % 2:
                client.send(close_frame(1000))
                client.frame()
            client.close()
        eventually(lambda: len(gateway.finished.contexts) == 20)
        assert gateway.counters.websockets == 0
        eventually(lambda: open_sockets(gateway) == 0)


def open_sockets(gateway: ForwardServer) -> int:
    return sum(target.in_use for target in gateway.transport.targets)


def test_half_a_closed_connection_is_an_end() -> None:
    listener = Listener()
    with (
        RawUpstream(listener) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.sock.shutdown(socket.SHUT_WR)
        eventually(lambda: listener.ended)
    assert listener.ending == (1001, b"")
