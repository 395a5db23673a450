"""Peers that say nothing: asked whether they are there, and given up when they do not answer."""

import time
from collections.abc import Callable

import pytest

from tests.proxy.harness import ForwardServer, forwarding_to, route_for
from tests.support.eventually import eventually
from tests.support.raw_upstream import Peer, RawUpstream
from tests.support.raw_websocket import (
    PING,
    PONG,
    TEXT,
    RawFrame,
    RawWebSocket,
    accepted,
    close_of,
    frame,
    read_frame,
    until_close,
)

ROUTE = route_for(websocket=True)


def sweeping(gateway: ForwardServer) -> Callable[[float], None]:
    """What looks after the one connection, as if so many seconds had passed."""
    eventually(lambda: any(hasattr(connection, "frames") for connection in gateway.connections))

    async def sweep(later: float) -> None:
        for connection in list(gateway.connections):
            if gateway.loop is not None:
                connection.sweep(gateway.loop.time() + later)

    return lambda later: gateway.call(sweep(later))


def test_a_silent_pair_is_asked_and_stays_open_as_long_as_both_answer() -> None:
    asked: list[RawFrame] = []

    def script(peer: Peer) -> None:
        accepted(peer)
        while (found := read_frame(peer.reader)) is not None and close_of(found) is None:
            asked.append(found)
            peer.send(frame(PONG, found.data, mask=False))

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        sweep = sweeping(gateway)
        for round_number in (1, 2, 3):
            sweep(0)
            sweep(21)
            assert client.frame() == RawFrame(PING, b"")
            client.send(frame(PONG))
            eventually(lambda number=round_number: len(asked) == number)  # type: ignore[misc]
            # Both answers have to be in before the next look around.
            time.sleep(0.2)
        client.send(frame(TEXT, b"still here"))
        eventually(lambda: len(asked) == 4)
    assert [found.opcode for found in asked] == [PING, PING, PING, TEXT]


@pytest.mark.parametrize("who", ["client", "upstream"])
def test_who_does_not_answer_is_given_up(who: str) -> None:
    endings: list[tuple[int, bytes] | None] = []

    def script(peer: Peer) -> None:
        accepted(peer)
        if who == "client":
            endings.append(_answering(peer))
        else:
            peer.gone()

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        sweep = sweeping(gateway)
        sweep(0)
        sweep(21)
        assert client.frame() == RawFrame(PING, b"")
        if who == "client":
            # The upstream's answer has to be in before the next look around.
            time.sleep(0.2)
            sweep(42)
            assert client.frame() is None
            eventually(lambda: endings == [(1001, b"")])
        else:
            client.send(frame(PONG))
            sweep(42)
            assert close_of(client.frame()) == (1011, b"")


def _answering(peer: Peer) -> tuple[int, bytes] | None:
    """Answer the ping, then wait for the end."""
    read_frame(peer.reader)
    peer.send(frame(PONG, mask=False))
    return until_close(peer)
