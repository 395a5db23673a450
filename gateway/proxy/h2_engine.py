"""HTTP/2 to one target, on httpcore2 (which comes with httpx2): few connections, many exchanges on each.

httpx2's client is left out on purpose: it keeps one cookie jar for all users, follows redirects, obeys proxy
variables and rewrites paths. Its pool is too: what it lacks is in `H2Connection`, and little is left of it then.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import h2.exceptions
import httpcore2

from gateway.errors import Refusal, UpstreamFailed
from gateway.proxy.dial import Dial
from gateway.proxy.h2_connection import MOST_STREAMS, H2Connection
from gateway.proxy.h2_upload import H2Upload
from gateway.proxy.h2_wire import Wire
from gateway.proxy.transport import Headers, Switch, UpstreamRequest
from gateway.reasons import Reason

# ValueError: a status that is no number.
FAILURES: Final = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ConnectionNotAvailable,
    h2.exceptions.H2Error,
    ValueError,
)
_MAX_AGE: Final = 60.0


class H2Engine:
    """Exchanges with one target; TLS connections must agree on `h2`, others begin with it (RFC 9113 section 3.3).

    A request that a connection in use before could not carry is sent once more, on a fresh one.
    """

    def __init__(self, dial: Dial, *, keepalive: float = 4.0) -> None:
        self.make_room: Callable[[], None] | None = None
        self._dial = dial
        self._keepalive = keepalive
        self._connections: list[H2Connection] = []
        self._connecting: asyncio.Task[H2Connection] | None = None

    async def open(self) -> None:
        """Nothing is connected before it is needed."""

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        for connection in self._connections:
            self._retire(connection)
        self._dial.close()

    @property
    def size(self) -> int:
        return len(self._connections)

    @property
    def idle(self) -> int:
        return sum(connection.in_use == 0 for connection in self._connections)

    def drop_idle(self) -> bool:
        """See `Engine.drop_idle`."""
        for connection in self._connections:
            if connection.in_use == 0:
                self._retire(connection)
                self._connections.remove(connection)
                return True
        return False

    async def send(self, request: UpstreamRequest) -> "H2Response":
        """See `Engine.send`."""
        connection = await self._connection()
        reused = connection.carried > 0
        try:
            return await self._exchange(connection, request)
        except UpstreamFailed:
            if request.spent or not reused:
                raise
        # Whatever that one had gathered, it is not asked again.
        connection.retire_at = 0.0
        return await self._exchange(await self._connection(), request)

    async def switch(self, request: UpstreamRequest) -> Switch:
        """See `Engine.switch`: RFC 8441 is not spoken here."""
        raise Refusal(Reason.NOT_IMPLEMENTED)

    async def _exchange(self, connection: H2Connection, request: UpstreamRequest) -> "H2Response":
        self._begin(connection)
        heard_before = connection.wire.received
        upload: H2Upload | None = None
        try:
            async with asyncio.timeout(request.response_timeout) as deadline:
                upload = None if request.body is None else H2Upload(request, deadline)
                response = await connection.handle_async_request(self._translate(request, upload))
            return H2Response(self, connection, response, request)
        except BaseException as failure:
            if isinstance(failure, TimeoutError) and connection.wire.received == heard_before:
                connection.retire_at = 0.0
            self.end(connection)
            raise self._meaning(connection, request, upload, failure) from None
        finally:
            if upload is not None:
                upload.settled()

    def _meaning(
        self, connection: H2Connection, request: UpstreamRequest, upload: H2Upload | None, failure: BaseException
    ) -> BaseException:
        """What the caller is told of a failed exchange."""
        request.spent = True
        if isinstance(failure, asyncio.CancelledError):
            return failure
        if upload is not None and upload.failure is not None:
            return upload.failure
        if isinstance(failure, TimeoutError):
            return self.failed(Reason.UPSTREAM_TIMEOUT, "no answer in time")
        if not isinstance(failure, FAILURES):
            return failure
        unseen = isinstance(failure, httpcore2.ConnectionNotAvailable) and not (upload is not None and upload.begun)
        request.spent = not (request.repeatable or unseen)
        return self.broken(connection, failure)

    def _translate(self, request: UpstreamRequest, upload: H2Upload | None) -> httpcore2.Request:
        headers = request.fields
        if upload is not None and not request.has_length:
            # httpcore2's sign that there is a body; it does not go out.
            headers = [*headers, (b"transfer-encoding", b"chunked")]
        return httpcore2.Request(
            method=request.method,
            url=self._url(request.target),
            headers=headers,
            content=b"" if upload is None else upload.pieces(),
            extensions={"upload": upload},
        )

    def _url(self, target: bytes) -> httpcore2.URL:
        """Only the scheme and the target of it go out."""
        endpoint = self._dial.endpoint
        return httpcore2.URL(scheme=endpoint.scheme, host=endpoint.host, port=endpoint.port or None, target=target)

    def broken(self, connection: H2Connection, failure: Exception) -> UpstreamFailed:
        """What an exception of the library means; after a breach of protocol the connection is of no use to any."""
        if isinstance(failure, h2.exceptions.ProtocolError | httpcore2.LocalProtocolError):
            self._retire(connection)
        return self.failed(Reason.UPSTREAM_INVALID, f"{type(failure).__name__}: {failure}")

    def failed(self, reason: Reason, why: str) -> UpstreamFailed:
        return UpstreamFailed(reason, self._dial.name, why)

    # Connections.

    async def _connection(self) -> H2Connection:
        """One that takes another exchange; those who find none wait for the same new one."""
        while True:
            now = asyncio.get_running_loop().time()
            self._connections = [each for each in self._connections if each.in_use or each.takes_more(now)]
            for connection in self._connections:
                if connection.takes_more(now):
                    return connection
            if self._connecting is None or self._connecting.done():
                self._connecting = asyncio.create_task(self._connect())
                self._connecting.add_done_callback(_heard)
            connection = await asyncio.shield(self._connecting)
            if connection.in_use < MOST_STREAMS:
                return connection

    async def _connect(self) -> H2Connection:
        if self.make_room is not None:
            self.make_room()
        wire = await self._dial.connect(Wire)
        secured = wire.get_extra_info("ssl_object")
        if secured is not None and secured.selected_alpn_protocol() != "h2":
            wire.abort()
            raise self.failed(Reason.UPSTREAM_UNREACHABLE, "HTTP/2 was not agreed on")
        retire_at = asyncio.get_running_loop().time() + _MAX_AGE
        connection = H2Connection(self._url(b"/").origin, wire, retire_at=retire_at)
        self._connections.append(connection)
        self._start_clock(connection)
        return connection

    def _begin(self, connection: H2Connection) -> None:
        connection.in_use += 1
        connection.carried += 1
        if connection.idle_timer is not None:
            connection.idle_timer.cancel()
            connection.idle_timer = None

    def end(self, connection: H2Connection) -> None:
        """An exchange is over; the last one to leave starts the clock."""
        connection.in_use -= 1
        if connection.in_use == 0:
            self._start_clock(connection)

    def _start_clock(self, connection: H2Connection) -> None:
        loop = asyncio.get_running_loop()
        old = loop.time() >= connection.retire_at
        connection.idle_timer = loop.call_later(0 if old else self._keepalive, connection.wire.abort)

    def _retire(self, connection: H2Connection) -> None:
        if connection.idle_timer is not None:
            connection.idle_timer.cancel()
        connection.wire.abort()


class H2Response:
    """A response under way; also the iterator over its body."""

    def __init__(
        self, engine: H2Engine, connection: H2Connection, response: httpcore2.Response, request: UpstreamRequest
    ) -> None:
        self.status = response.status
        self.headers: Headers = response.headers
        self.on_close: Callable[[], None] | None = None
        self._engine = engine
        self._connection = connection
        self._response = response
        self.timeout = request.idle_timeout
        self._parts = response.aiter_stream()
        self._closed = False

    def chunks(self) -> AsyncIterator[bytes]:
        """See `UpstreamResponse.chunks`."""
        return self

    def whole_body(self) -> bytes | None:
        """See `UpstreamResponse.whole_body`; what has arrived is not known here."""
        return None

    def __aiter__(self) -> "H2Response":
        return self

    async def __anext__(self) -> bytes:
        try:
            async with asyncio.timeout(self.timeout):
                return await anext(self._parts)
        except TimeoutError:
            raise self._engine.failed(Reason.UPSTREAM_TIMEOUT, "the answer stalled") from None
        except FAILURES as failure:
            raise self._engine.broken(self._connection, failure) from None

    async def close(self) -> None:
        """See `UpstreamResponse.close`."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._parts.aclose()
            await self._response.aclose()
        finally:
            self._engine.end(self._connection)
            if self.on_close is not None:
                self.on_close()


def _heard(connecting: asyncio.Task[H2Connection]) -> None:
    """Everybody may have stopped waiting for the failure."""
    if not connecting.cancelled():
        connecting.exception()
