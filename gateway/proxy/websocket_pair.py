"""The two halves of a proxied WebSocket."""

import asyncio
from typing import Final

from websockets.protocol import Protocol

from gateway.proxy.websocket_half import GOING_AWAY, Half

_INTERNAL_ERROR: Final = 1011


class Pair:
    """`done` when both connections are gone.

    A client that vanishes is told to the upstream as 1001, an upstream that vanishes to the client as 1011.
    """

    __slots__ = ("client", "done", "upstream")

    def __init__(self, client: Protocol, upstream: Protocol, loop: asyncio.AbstractEventLoop) -> None:
        self.done: asyncio.Future[None] = loop.create_future()
        self.client = Half(client, loop, lost=GOING_AWAY, ended=self._end)
        self.upstream = Half(upstream, loop, lost=_INTERNAL_ERROR, ended=self._end)
        self.client.join(self.upstream)

    def close(self, code: int, reason: str) -> None:
        """End both sides; the code and the reason are for the client."""
        self.client.close(code, reason)
        self.upstream.close(GOING_AWAY)

    def abort(self) -> None:
        self.client.abort()
        self.upstream.abort()

    def part(self) -> None:
        """Let go of everything, once `done`."""
        if self.done.done() and not self.done.cancelled():
            self.client.part()
            self.upstream.part()

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
