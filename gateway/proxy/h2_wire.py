"""The network under httpcore2's HTTP/2: a connection made by `Dial`, in place of one of its own."""

import asyncio
from collections import deque
from typing import Any, Final

import httpcore2

_HIGH: Final = 128 * 1024
_LOW: Final = 32 * 1024


class Wire(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """Reading pauses above 128 KiB unread. What is written is on its way at once, whatever happens to the writer.

    That is why it is here: a writer who is cancelled between two steps would leave half a frame behind, and with
    it a connection that is of no use to all others who share it.
    """

    def __init__(self) -> None:
        self.ended = False
        self.received = 0
        self._transport: asyncio.Transport | None = None
        self._unread: deque[bytes] = deque()
        self._size = 0
        self._full = self._paused = False
        self._waiters: list[asyncio.Future[None]] = []

    # What httpcore2 calls. Its timeouts are not used: they would end the connection, not just one exchange.

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while not self._unread:
            if self.ended:
                return b""
            await self._change()
        data = self._unread.popleft()
        if len(data) > max_bytes:
            self._unread.appendleft(data[max_bytes:])
            data = data[:max_bytes]
        self._size -= len(data)
        if self._paused and self._size < _LOW and self._transport is not None and not self.ended:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self.ended or self._transport is None:
            raise httpcore2.WriteError("the connection is closed")
        if buffer:
            self._transport.write(buffer)
        while self._full and not self.ended:
            await self._change()

    async def aclose(self) -> None:
        self.abort()

    def get_extra_info(self, info: str) -> Any:
        return None if self._transport is None else self._transport.get_extra_info(info)

    def send_now(self, data: bytes) -> None:
        """Write without waiting for room."""
        if data and not self.ended and self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _change(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._unread.append(data)
        self._size += len(data)
        self.received += len(data)
        if self._size > _HIGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self._wake()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()
