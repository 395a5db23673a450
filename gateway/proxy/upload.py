"""The request body on its way up, and the answer that may come before it is all there.

httpcore2 sends first and reads afterwards. When the upstream speaks early, `Upload` ends httpcore2's sending
with the write error after which it goes on to read the answer, and sends the rest itself, beside it. Such a
connection is never used again: httpcore2 knows that it did not finish the request.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpcore2

from gateway.proxy.wire import WireBackend, WireStream


class Upload:
    """An async iterator over one request body, for httpcore2. `sent` is called when all of it is out."""

    def __init__(self, body: AsyncIterator[bytes] | None, *, chunked: bool, patience: float) -> None:
        self._body = body
        self.chunked = chunked
        self._patience = patience
        self._network: WireBackend | None = None
        self._heard_before: int | None = None
        self._fetch: asyncio.Task[bytes | None] | None = None
        self._change: asyncio.Future[None] | None = None
        self._rest: asyncio.Task[None] | None = None
        self._sent: Callable[[], None] | None = None
        self.failure: BaseException | None = None

    def begin(self, network: WireBackend) -> None:
        """The connection has been chosen; it is an idle one if `network` has its stream already."""
        self._network = network
        self._heard_before = None if network.stream is None else network.stream.received

    @property
    def met_dead_connection(self) -> bool:
        """Whether a connection was used again, and not one byte came back on it."""
        return self._heard_before is not None and self._stream().received == self._heard_before

    def when_sent(self, callback: Callable[[], None] | None) -> None:
        """Call this once nothing is left to send."""
        self._sent = callback

    def __aiter__(self) -> "Upload":
        return self

    async def __anext__(self) -> bytes:
        chunk = None if self._body is None else await self._next(self._body)
        if chunk is None:
            self._done()
            raise StopAsyncIteration
        return chunk

    async def _next(self, body: AsyncIterator[bytes]) -> bytes | None:
        stream = self._stream()
        fetch = self._fetch = asyncio.create_task(_fetch(body))
        # An upstream that has the whole body may answer before its end is known here: let `fetch` find it.
        await asyncio.sleep(0)
        while not fetch.done() and not stream.heard:
            if self._change is None or self._change.done():
                self._change = stream.change()
            await asyncio.wait((fetch, self._change), return_when=asyncio.FIRST_COMPLETED)
        if fetch.done() and (not stream.heard or fetch.result() is None):
            return fetch.result()
        self._rest = asyncio.create_task(self._send_rest(stream, body, fetch))
        raise httpcore2.WriteError

    async def _send_rest(
        self, stream: WireStream, body: AsyncIterator[bytes], fetch: asyncio.Task[bytes | None]
    ) -> None:
        try:
            while (chunk := await fetch) is not None:
                framed = b"%x\r\n%b\r\n" % (len(chunk), chunk) if self.chunked else chunk
                await stream.push(framed, self._patience)
                fetch = self._fetch = asyncio.create_task(_fetch(body))
            if self.chunked:
                await stream.push(b"0\r\n\r\n", self._patience)
            self._done()
        except (httpcore2.WriteError, httpcore2.WriteTimeout):
            # The upstream has stopped listening, as it may after an early answer: the answer decides. The
            # body is still taken from the client, or the client would not get to read that answer.
            self._done()
            while await _fetch(body) is not None:
                pass
        except Exception as failure:
            self.failure = failure
            await stream.aclose()

    def _stream(self) -> WireStream:
        if self._network is None or self._network.stream is None:
            raise httpcore2.WriteError
        return self._network.stream

    def _done(self) -> None:
        if self._sent is not None:
            self._sent()

    def stop(self) -> None:
        """Send nothing more."""
        for task in (self._rest, self._fetch):
            if task is not None:
                task.cancel()


async def _fetch(body: AsyncIterator[bytes]) -> bytes | None:
    """The next piece that has bytes: an empty chunk would end the body (RFC 9112 section 7.1)."""
    async for chunk in body:
        if chunk:
            return chunk
    return None
