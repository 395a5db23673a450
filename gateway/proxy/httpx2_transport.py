"""Upstream exchanges over httpx2's engine, until the gateway has one of its own.

httpx2's client and its transport are left out on purpose. The client keeps one cookie jar for all users,
follows redirects, obeys proxy variables, invents headers and rewrites dot segments; the transport has no
place for the guard against surplus bytes. What remains is the connection pool both stand on, `httpcore2`,
which comes with httpx2 in the same version.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Final

import httpcore2
import httpx2

from gateway.errors import UpstreamFailed
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.guarded_pool import UPLOAD_KEY, GuardedPool
from gateway.proxy.transport import Headers, UpstreamRequest
from gateway.proxy.upload import Upload
from gateway.reasons import Reason

_FAILURES: Final = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError)
_REASONS: Final = (
    ((httpcore2.ConnectError, httpcore2.ConnectTimeout), Reason.UPSTREAM_UNREACHABLE),
    (httpcore2.PoolTimeout, Reason.UPSTREAM_UNAVAILABLE),
    (httpcore2.TimeoutException, Reason.UPSTREAM_TIMEOUT),
)
# RFC 9110 section 9.2.2: these may be sent again when it is not known whether they arrived.
_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


class Httpx2Transport:
    """A pool of HTTP/1.1 connections to one endpoint. Times in seconds.

    `pool_timeout`: how long a request waits for one of `connections`. `keepalive`: how long an idle
    connection is kept; less than upstreams usually do (5 s), so that we are not the ones to find it closed.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        *,
        connect_timeout: float = 2.0,
        pool_timeout: float = 1.0,
        connections: int = 256,
        keepalive: float = 4.0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._connect_timeout = connect_timeout
        self._pool_timeout = pool_timeout
        self._connections = connections
        self._keepalive = keepalive
        self._ssl_context = ssl_context
        self._pool: GuardedPool | None = None

    async def open(self) -> None:
        context = self._ssl_context
        if context is None and self._endpoint.scheme == "https":
            context = httpx2.create_ssl_context(trust_env=False)
        self._pool = GuardedPool(context, connections=self._connections, keepalive_expiry=self._keepalive)

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    async def send(self, request: UpstreamRequest) -> "Httpx2Response":
        """See `Transport.send`. A request that met a dead idle connection is sent once more if it can be."""
        upload = _upload(request)
        try:
            return await self._exchange(request, upload)
        except _FAILURES as failure:
            repeatable = request.body is None and request.method in _REPEATABLE
            if not (repeatable and upload.met_dead_connection):
                raise self.failed(failure) from failure
        try:
            return await self._exchange(request, _upload(request))
        except _FAILURES as failure:
            raise self.failed(failure) from failure

    async def _exchange(self, request: UpstreamRequest, upload: Upload) -> "Httpx2Response":
        loop = asyncio.get_running_loop()
        timeouts = {
            "connect": self._connect_timeout,
            "pool": self._pool_timeout,
            "write": request.idle_timeout,
            "read": None,
        }
        try:
            # One deadline for the whole head: an upstream that sends a byte a second does not get past it.
            async with asyncio.timeout(None) as head:
                upload.when_sent(lambda: head.reschedule(loop.time() + request.response_timeout))
                core_request = self._translate(request, upload, timeouts)
                response = await self._opened().handle_async_request(core_request)
        except BaseException as failure:
            upload.stop()
            if upload.failure is not None and isinstance(failure, _FAILURES):
                raise upload.failure from None
            if isinstance(failure, TimeoutError):
                raise httpcore2.ReadTimeout from None
            raise
        finally:
            upload.when_sent(None)
        timeouts["read"] = request.idle_timeout
        return Httpx2Response(self, response, upload)

    def _translate(
        self, request: UpstreamRequest, upload: Upload, timeouts: dict[str, float | None]
    ) -> httpcore2.Request:
        endpoint = self._endpoint
        headers = request.headers
        if upload.chunked:
            headers = [*headers, (b"transfer-encoding", b"chunked")]
        return httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(scheme=endpoint.scheme, host=endpoint.host, port=endpoint.port, target=request.target),
            headers=headers,
            content=upload,
            extensions={"timeout": timeouts, UPLOAD_KEY: upload},
        )

    def _opened(self) -> GuardedPool:
        if self._pool is None:
            raise httpcore2.ConnectError("the transport is closed")
        return self._pool

    def failed(self, failure: Exception) -> UpstreamFailed:
        """What an exception of the engine means to the caller."""
        matching = (reason for kinds, reason in _REASONS if isinstance(failure, kinds))
        reason = next(matching, Reason.UPSTREAM_INVALID)
        why = f"{type(failure).__name__}: {failure}"
        retry_after = 1 if reason is Reason.UPSTREAM_UNAVAILABLE else None
        return UpstreamFailed(reason, self._name, why, retry_after=retry_after)


class Httpx2Response:
    """A response under way; also the iterator over its body."""

    def __init__(self, transport: Httpx2Transport, response: httpcore2.Response, upload: Upload) -> None:
        self.status = response.status
        self.headers: Headers = response.headers
        self._transport = transport
        self._response = response
        self._upload = upload
        self._parts = response.aiter_stream()

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> "Httpx2Response":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._parts)
        except _FAILURES as failure:
            if self._upload.failure is not None:
                raise self._upload.failure from None
            raise self._transport.failed(failure) from failure

    def whole_body(self) -> bytes | None:
        return None

    async def close(self) -> None:
        await asyncio.shield(self._close())

    async def _close(self) -> None:
        self._upload.stop()
        await self._parts.aclose()
        await self._response.aclose()


def _upload(request: UpstreamRequest) -> Upload:
    chunked = request.body is not None and all(name != b"content-length" for name, _ in request.headers)
    body = _pieces(request.body) if isinstance(request.body, bytes) else request.body
    return Upload(body, chunked=chunked, patience=request.idle_timeout)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body
