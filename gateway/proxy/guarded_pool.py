"""httpcore2's pool, which keeps no connection on which bytes followed the response.

As it stands it reuses such a connection and gives the surplus to the next caller as its answer: one upstream,
or one client who can make an upstream echo, could so choose what another user is shown.
"""

import ssl

import httpcore2

from gateway.proxy.upload import Upload
from gateway.proxy.wire import WireBackend

UPLOAD_KEY = "gateway.upload"


class GuardedConnection(httpcore2.AsyncHTTPConnection):
    """A pool entry that says it has expired when anything is left behind on it, read or unread."""

    def __init__(self, pool: "GuardedPool", origin: httpcore2.Origin) -> None:
        self._wires = WireBackend()
        super().__init__(
            origin,
            ssl_context=pool.ssl_context,
            keepalive_expiry=pool.keepalive_expiry,
            network_backend=self._wires,
        )

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        upload: Upload = request.extensions[UPLOAD_KEY]
        upload.begin(self._wires)
        return await super().handle_async_request(request)

    def has_expired(self) -> bool:
        """Asked of every idle connection before it is given out and when it comes back.

        What the wire has not handed out, `is_readable` tells; what the parser took and has not used is here.
        """
        return super().has_expired() or (self.is_idle() and self._parser_holds_bytes())

    def _parser_holds_bytes(self) -> bool:
        http1 = self._connection
        if not isinstance(http1, httpcore2.AsyncHTTP11Connection):
            return True
        return bool(http1._h11_state.trailing_data[0])


class GuardedPool(httpcore2.AsyncConnectionPool):
    """Bounded connections to one origin; `keepalive_expiry` in seconds."""

    def __init__(self, ssl_context: ssl.SSLContext | None, *, connections: int, keepalive_expiry: float) -> None:
        super().__init__(max_connections=connections, keepalive_expiry=keepalive_expiry)
        self.ssl_context = ssl_context
        self.keepalive_expiry = keepalive_expiry

    def create_connection(self, origin: httpcore2.Origin) -> GuardedConnection:
        return GuardedConnection(self, origin)
