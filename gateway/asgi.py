"""The ASGI call signature, spelled once, and what our own server adds to it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

from gateway.reading import Memory

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# Where our server keeps the Exchange in the scope; other servers have none.
EXCHANGE_KEY: Final = "gateway.exchange"
# Where it keeps the Handshake of a request that asks to become a WebSocket; all others have none.
HANDSHAKE_KEY: Final = "gateway.websocket"


class Exchange(Protocol):
    """The inbound request and its answer as our server holds them: spares a task for each request.

    ASGI tells of a client that leaves only to who awaits `receive`; `on_departure` is called at once.
    `on_drain` is called when the server is told to stop, for answers that have no end of their own.
    """

    disconnected: bool
    on_departure: Callable[[], object] | None
    task: asyncio.Task[None] | None
    memory: Memory
    draining: bool
    on_drain: Callable[[], object] | None

    def whole_body(self) -> bytes | None:
        """The request body, when all of it is here and nothing of it was taken; else None."""
        ...

    async def send(self, message: Message) -> None:
        """The ASGI `send` of this exchange."""
        ...

    def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer in one write; False when the client must be waited for first (use `send`)."""
        ...


class Successor(asyncio.Protocol):
    """What takes over a client's connection from the HTTP protocol, and the server's care with it."""

    __slots__ = ()

    def sweep(self, now: float) -> None:
        """Called twice a second with the loop's time, to look after deadlines."""

    def shutdown(self) -> None:
        """The server is told to stop: end in good order, soon."""


class Handshake(Protocol):
    """A request that asks to become a WebSocket, judged like any other until `switch`."""

    def switch(self, head: bytes, successor: Successor) -> None:
        """Answer with `head` and leave the connection to `successor`, which is given what has arrived already.

        ConnectionError when the client is gone, or said more before the answer than it may.
        """
        ...
