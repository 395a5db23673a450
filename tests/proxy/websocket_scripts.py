"""Upstreams for WebSocket tests."""

from tests.support.raw_upstream import Peer, Script
from tests.support.raw_websocket import accepted, until_close


def agreeing(*fields: str) -> Script:
    """Agrees, with these fields, and waits for the end."""

    def script(peer: Peer) -> None:
        accepted(peer, *fields)
        until_close(peer)

    return script


def answering(answer: bytes) -> Script:
    """Says this to the handshake, and closes."""

    def script(peer: Peer) -> None:
        peer.head()
        peer.send(answer)

    return script
