"""A real WebSocket service in a thread of its own, and clients for it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

Handler = Callable[[ServerConnection], Awaitable[None]]


@dataclass
class Service:
    """What a test may look at: the handshakes seen, and how each connection ended (code, reason)."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    endings: list[tuple[int | None, str | None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fields(self, name: str) -> list[str]:
        """The values of a field in the last handshake."""
        return self.requests[-1].headers.get_all(name)


async def echo(connection: ServerConnection) -> None:
    """Send back every frame as it came, in its type."""
    async for message in connection:
        await connection.send(message)


async def quiet(connection: ServerConnection) -> None:
    """Say nothing until the other side ends it."""
    await connection.wait_closed()


@contextmanager
def websocket_service(handler: Handler = echo, **options: Any) -> Iterator[Service]:
    """A service on a free port. `options` as of `websockets.asyncio.server.serve`."""
    service = Service()
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def handle(connection: ServerConnection) -> None:
        if connection.request is not None:
            service.requests.append(connection.request)
        service.connections.append(connection)
        try:
            with suppress(ConnectionClosed):
                await handler(connection)
        finally:
            await connection.close()
            service.endings.append((connection.close_code, connection.close_reason))

    async def run() -> None:
        settings = {"compression": None, "ping_interval": None, "max_size": 2**26, **options}
        server: Server
        async with serve(handle, "127.0.0.1", 0, **settings) as server:
            service.port = next(iter(server.sockets)).getsockname()[1]
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield service
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def protocols(connection: ServerConnection, offered: Sequence[Any]) -> Any:
    """Choose the last sub-protocol offered."""
    return offered[-1] if offered else None
