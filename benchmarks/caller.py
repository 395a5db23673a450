"""A keep-alive HTTP/1.1 client that costs little, for load that wrk cannot make."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Caller(asyncio.Protocol):
    """One connection, one request at a time; every answer must announce its length."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._data = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def to(cls, port: int) -> "Caller":
        """A connection to a port of 127.0.0.1."""
        _, caller = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return caller

    async def get(self, path: str, token: str) -> int:
        """The status of the answer."""
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
        return (await self._exchange(head.encode()))[0]

    async def post(self, path: str, fields: dict[str, str]) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        body = json.dumps(fields).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        status, answer = await self._exchange(head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        return status, json.loads(answer)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed before the answer"))

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = _LENGTH.search(self._data, 0, end)
        whole = end + (int(length[1]) if length else 0)
        if len(self._data) >= whole and self._answer is not None and not self._answer.done():
            self._answer.set_result((int(self._data[9:12]), bytes(self._data[end:whole])))
            del self._data[:whole]


def run(main: Callable[[], Awaitable[T]], seconds: float = 300) -> T:
    """Run on a loop of its own, `seconds` at most."""

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await main()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())
