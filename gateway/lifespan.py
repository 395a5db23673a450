"""Opening and closing: constructors only store, everything that does I/O at start is listed here in order."""

import gc
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

from gateway.asgi import ASGIApp, Receive, Scope, Send

logger = logging.getLogger("gateway")


class Opened(Protocol):
    """Anything with a beginning and an end."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Lifespan:
    """Answers the ASGI lifespan protocol; requests pass through.

    `parts` open in order and close in reverse; `prepare` runs when all are open. What fails at start is logged
    in the words of `explain` and ends the worker: a gateway that cannot judge does not serve.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        parts: Sequence[Opened],
        prepare: Callable[[], Awaitable[None]],
        explain: Callable[[Exception], str] = str,
    ) -> None:
        self.app = app
        self.parts = parts
        self.prepare = prepare
        self.explain = explain
        self.stack = AsyncExitStack()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "lifespan":
            return self.app(scope, receive, send)
        return self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.open()
        except Exception as error:
            logger.error("%s", self.explain(error), exc_info=logger.isEnabledFor(logging.DEBUG))
            await self.close()
            await send({"type": "lifespan.startup.failed", "message": ""})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def open(self) -> None:
        for part in self.parts:
            self.stack.push_async_callback(part.close)
            await part.open()
        await self.prepare()
        _settle_memory()

    async def close(self) -> None:
        await self.stack.aclose()


def _settle_memory() -> None:
    """Take what start-up made out of the garbage collector's sight, and let it look less often.

    Requests make next to no cycles, but every few hundred allocations cause a search for them, now and then
    through the whole heap: a tenth of the time of a proxied request, and pauses that grow with the route table.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
