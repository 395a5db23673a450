"""The gateway's own HTTP/1.1 engine: pooled connections, streaming both ways, nothing the upstream did not say."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

from gateway.errors import Refusal, UpstreamFailed
from gateway.proxy.connection import Connection
from gateway.proxy.dial import Dial
from gateway.proxy.pool import Pool
from gateway.proxy.switching import Switching
from gateway.proxy.transport import Headers, UpstreamRequest

_CHUNKED: Final = b"transfer-encoding: chunked\r\n"


class H1Engine:
    """Exchanges with one target. A request that met a dead kept connection is sent once more, on a fresh one.

    `keepalive`: how long an idle connection is kept, in seconds; less than upstreams usually do (5 s), so that
    we are not the ones to find it closed.
    """

    def __init__(self, dial: Dial, *, keepalive: float = 4.0) -> None:
        self.make_room: Callable[[], None] | None = None
        self._dial = dial
        self._pool = Pool(dial, keepalive=keepalive)

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    @property
    def size(self) -> int:
        return self._pool.size

    @property
    def idle(self) -> int:
        return self._pool.idle

    def drop_idle(self) -> bool:
        """See `Engine.drop_idle`."""
        return self._pool.drop_idle()

    async def send(self, request: UpstreamRequest) -> "H1Response":
        """See `Engine.send`."""
        pool = self._pool
        connection = pool.take_idle() or await self._connect()
        response = H1Response(pool, connection, request.idle_timeout)
        try:
            await _exchange(response, request)
        except UpstreamFailed:
            request.spent = not (connection.unheard and request.repeatable)
            await response.close()
            if request.spent or not connection.reused:
                raise
        except BaseException:
            await response.close()
            raise
        else:
            return response
        return await self._send_again(request)

    async def switch(self, request: UpstreamRequest) -> Switching:
        """See `Engine.switch`."""
        switching = await self._dial.connect(partial(Switching, self._dial.name, request.idle_timeout))
        try:
            await switching.ask(_whole(request, None), request.response_timeout)
        except BaseException:
            await switching.close()
            raise
        return switching

    async def _connect(self) -> Connection:
        if self.make_room is not None:
            self.make_room()
        return await self._pool.connect()

    async def _send_again(self, request: UpstreamRequest) -> "H1Response":
        connection = await self._connect()
        response = H1Response(self._pool, connection, request.idle_timeout)
        try:
            await _exchange(response, request)
        except BaseException:
            request.spent = not connection.unheard
            await response.close()
            raise
        return response


class H1Response:
    """A response under way on `connection`, which goes back to the pool when the response is closed."""

    __slots__ = ("closed", "connection", "headers", "on_close", "pool", "status", "timeout", "upload")

    def __init__(self, pool: Pool, connection: Connection, timeout: float) -> None:
        self.pool = pool
        self.connection = connection
        self.timeout = timeout
        self.status = 0
        self.headers: Headers = []
        self.upload: asyncio.Future[None] | None = None
        self.on_close: Callable[[], None] | None = None
        self.closed = False

    def chunks(self) -> AsyncIterator[bytes]:
        """See `UpstreamResponse.chunks`."""
        return self

    def __aiter__(self) -> "H1Response":
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self.connection.read(self.timeout)
        except UpstreamFailed:
            self.check_upload()
            raise
        if not chunk:
            raise StopAsyncIteration
        return chunk

    def whole_body(self) -> bytes | None:
        """See `UpstreamResponse.whole_body`."""
        answer = self.connection.answer
        return self.connection.take() if answer is not None and answer.whole else None

    def check_upload(self) -> None:
        """Raise what ended the request body, if it was the client's doing."""
        upload = self.upload
        if upload is not None and upload.done() and not upload.cancelled():
            failure = upload.exception()
            if failure is not None and not isinstance(failure, UpstreamFailed):
                raise failure

    async def close(self) -> None:
        """See `UpstreamResponse.close`; nothing is waited for."""
        if self.closed:
            return
        self.closed = True
        if self.upload is not None:
            _stop(self.upload)
        self.pool.release(self.connection)
        if self.on_close is not None:
            self.on_close()


async def _exchange(response: H1Response, request: UpstreamRequest) -> None:
    """Send, and wait for the head of the answer."""
    connection, body = response.connection, request.body
    head_only = request.method == "HEAD"
    if body is None or isinstance(body, bytes):
        answer = connection.begin(_whole(request, body), head_only=head_only)
        connection.request_sent()
    else:
        chunked = not request.has_length
        answer = connection.begin(_head_of(request, _CHUNKED if chunked else b""), head_only=head_only)
        upload = response.upload = asyncio.ensure_future(_upload(connection, body, chunked, request.idle_timeout))
        upload.add_done_callback(connection.wake)
        while not (upload.done() or answer.head_done or connection.in_trouble):
            await connection.news()
        response.check_upload()
    await connection.head(request.response_timeout)
    response.status = answer.status
    response.headers = answer.headers


async def _upload(connection: Connection, body: AsyncIterator[bytes], chunked: bool, patience: float) -> None:
    """Send the body as it comes. When the upstream stops listening, its answer decides, not the upload."""
    try:
        async for piece in body:
            if not piece:
                # An empty chunk would say that the body ends here (RFC 9112 section 7.1).
                continue
            connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await connection.drain(patience)
        if chunked:
            connection.write(b"0\r\n\r\n")
        connection.request_sent()
    except Refusal as refusal:
        if not isinstance(refusal, UpstreamFailed):
            # Half a body must not look whole: the connection goes.
            connection.abort()
        raise


def _stop(upload: asyncio.Future[None]) -> None:
    if not upload.done():
        upload.cancel()
    elif not upload.cancelled():
        upload.exception()  # It has been told, or another failure before it.


def _whole(request: UpstreamRequest, body: bytes | None) -> bytes:
    """Head and body in one; a body without an announced length came in chunks, and goes out in one."""
    if body is None or request.has_length:
        head = _head_of(request, b"")
        return head + body if body else head
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    return _head_of(request, _CHUNKED) + chunk


def _head_of(request: UpstreamRequest, framing: bytes) -> bytes:
    """The request line and fields as they go out; `framing` is a further field line, or nothing."""
    host, *others = [b"%b: %b\r\n" % field for field in request.headers]
    lasting = request.block.wire if request.block is not None else b""
    method = request.method.encode("ascii")
    parts = (method, b" ", request.target, b" HTTP/1.1\r\n", host, lasting, *others, framing, b"\r\n")
    return b"".join(parts)
