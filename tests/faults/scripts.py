"""Requests to an upstream at fault, and what it does with them."""

from collections.abc import Callable

from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, Script, ok

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def refused(answer: RawMessage) -> tuple[int, bytes | None]:
    return answer.status, answer.one(b"gateway-reason")


def doing(action: Callable[[Peer], None]) -> Script:
    """On each request but `/well`, which is answered."""

    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if request.target == b"/well":
                peer.send(ok())
            else:
                action(peer)

    return script
