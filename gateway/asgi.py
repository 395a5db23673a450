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


class Exchange(Protocol):
    """The inbound request and its answer as our server holds them: spares a task for each request.

    ASGI tells of a client that leaves only to who awaits `receive`; `on_departure` is called at once.
    """

    disconnected: bool
    on_departure: Callable[[], object] | None
    task: asyncio.Task[None] | None
    memory: Memory

    def whole_body(self) -> bytes | None:
        """The request body, when all of it is here and nothing of it was taken; else None."""
        ...

    async def send(self, message: Message) -> None:
        """The ASGI `send` of this exchange."""
        ...

    def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Send a whole answer in one write; False when the client must be waited for first (use `send`)."""
        ...
