"""A socket for httpcore2 that knows what lies unread.

httpcore2's own sockets keep received bytes where its check of an idle connection does not look (the queue of
the async library), so bytes that follow a response would be read as the next one (RFC 9112 section 9.2: they
MUST NOT be). Here nothing hides: an idle connection on which anything arrived says so.
"""

import asyncio
import select
import ssl
from collections import deque
from typing import Any, Final

import httpcore2

_HIGH: Final = 128 * 1024
_LOW: Final = 32 * 1024


class Wire(asyncio.Protocol):
    """One connection: what has arrived, and whether more may be sent. Reading pauses above 128 KiB unread."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.unread: deque[bytes] = deque()
        self.size = 0
        self.received = 0
        self.ended = False
        self.error: Exception | None = None
        self.full = False
        self._reading_paused = False
        self._waiters: list[asyncio.Future[None]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.unread.append(data)
        self.size += len(data)
        self.received += len(data)
        if self.size > _HIGH and self.transport is not None:
            self._reading_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.error = self.error or exc
        self._wake()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self._wake()

    def take(self, limit: int) -> bytes:
        """The next bytes that arrived, at most `limit`."""
        data = self.unread.popleft()
        if len(data) > limit:
            self.unread.appendleft(data[limit:])
            data = data[:limit]
        self.size -= len(data)
        if self._reading_paused and self.size < _LOW and self.transport is not None and not self.ended:
            self._reading_paused = False
            self.transport.resume_reading()
        return data

    def must_wait(self, until_heard: bool) -> bool:
        """Whether a writer has to wait for room, for the peer's word at most if it likes, never on the dead."""
        return self.full and not self.ended and not (until_heard and self.unread)

    def change(self) -> asyncio.Future[None]:
        """Done as soon as anything happens on the connection."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        return future

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class WireStream(httpcore2.AsyncNetworkStream):
    """What httpcore2 reads from and writes to."""

    def __init__(self, wire: Wire, transport: asyncio.Transport) -> None:
        self._wire = wire
        self._transport = transport

    @property
    def heard(self) -> bool:
        """Whether something has arrived that nobody has read yet, be it the end."""
        return bool(self._wire.unread) or self._wire.ended

    @property
    def received(self) -> int:
        """How many bytes have ever arrived."""
        return self._wire.received

    def change(self) -> asyncio.Future[None]:
        """See `Wire.change`."""
        return self._wire.change()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        wire = self._wire
        if not wire.unread:
            try:
                async with asyncio.timeout(timeout):
                    while not wire.unread and not wire.ended:
                        await wire.change()
            except TimeoutError:
                raise httpcore2.ReadTimeout from None
        if wire.unread:
            return wire.take(max_bytes)
        if wire.error is not None:
            raise httpcore2.ReadError from wire.error
        return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Returns also when the peer has something to say: an answer may come before the request is out."""
        await self._write(buffer, timeout, until_heard=True)

    async def push(self, buffer: bytes, timeout: float | None = None) -> None:
        """As `write`, but waits for room whatever the peer says."""
        await self._write(buffer, timeout, until_heard=False)

    async def _write(self, buffer: bytes, timeout: float | None, *, until_heard: bool) -> None:
        wire = self._wire
        if wire.ended:
            raise httpcore2.WriteError from wire.error
        self._transport.write(buffer)
        if wire.full:
            try:
                async with asyncio.timeout(timeout):
                    while wire.must_wait(until_heard):
                        await wire.change()
            except TimeoutError:
                raise httpcore2.WriteTimeout from None

    async def aclose(self) -> None:
        """Close at once: what was not sent is dropped, lest half a body look whole (RFC 9112 section 8)."""
        self._transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "WireStream":
        try:
            secured = await asyncio.get_running_loop().start_tls(
                self._transport,
                self._wire,
                ssl_context,
                server_hostname=server_hostname,
                ssl_handshake_timeout=timeout,
            )
        except (OSError, TimeoutError) as failure:  # ssl.SSLError is an OSError.
            self._transport.abort()
            raise httpcore2.ConnectError from failure
        except BaseException:
            self._transport.abort()
            raise
        if secured is None:  # Closed while the handshake ran.
            raise httpcore2.ConnectError
        self._wire.transport = self._transport = secured
        return self

    def get_extra_info(self, info: str) -> Any:
        """httpcore2 asks an idle connection `is_readable`: True means it must not be used again."""
        if info != "is_readable":
            return self._transport.get_extra_info(info)
        return self.heard or self._transport.is_closing() or _readable(self._transport)


def _readable(transport: asyncio.Transport) -> bool:
    """Whether the kernel holds bytes (or an end) that the loop has not come to yet."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


class WireBackend(httpcore2.AsyncNetworkBackend):
    """Opens the one connection of one pool entry, and keeps hold of it as `stream`."""

    def __init__(self) -> None:
        self.stream: WireStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        *_unused: object,
        **_options: object,
    ) -> WireStream:
        try:
            async with asyncio.timeout(timeout):
                transport, wire = await asyncio.get_running_loop().create_connection(Wire, host, port)
        except TimeoutError:
            raise httpcore2.ConnectTimeout from None
        except OSError as failure:
            raise httpcore2.ConnectError from failure
        self.stream = WireStream(wire, transport)
        return self.stream
