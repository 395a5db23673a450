"""Making a connection to a target: TCP or a Unix socket, with or without TLS."""

import asyncio
import ssl
from collections.abc import Callable

from gateway.errors import UpstreamFailed
from gateway.proxy.connection import Connection
from gateway.proxy.endpoint import Endpoint
from gateway.reasons import Reason


class Dial:
    """Connects within `timeout` seconds. Names are resolved anew each time, all their addresses are tried.

    An https endpoint is spoken to over TLS only, with `ssl_context` or else `create_ssl_context`.
    """

    def __init__(
        self, name: str, endpoint: Endpoint, *, timeout: float, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.timeout = timeout
        self.ssl_context: ssl.SSLContext | None = None
        if endpoint.scheme == "https":
            self.ssl_context = ssl_context or create_ssl_context()

    async def connect(self, on_lost: Callable[[Connection], None]) -> Connection:
        """A new connection; UpstreamFailed(UPSTREAM_UNREACHABLE) when there is none to be had."""
        loop = asyncio.get_running_loop()
        endpoint, secure = self.endpoint, self.ssl_context
        try:
            async with asyncio.timeout(self.timeout):
                _, connection = await loop.create_connection(
                    lambda: Connection(self.name, loop, on_lost),
                    endpoint.host,
                    endpoint.port,
                    ssl=secure,
                    server_hostname=endpoint.host if secure else None,
                )
        except TimeoutError:
            raise self._unreachable("connecting took too long") from None
        except OSError as error:  # ssl.SSLError is an OSError.
            raise self._unreachable(str(error)) from None
        return connection

    def _unreachable(self, why: str) -> UpstreamFailed:
        return UpstreamFailed(Reason.UPSTREAM_UNREACHABLE, self.name, why)


def create_ssl_context() -> ssl.SSLContext:
    """Certificates and names are verified, always; ALPN offers what we speak. Environment variables are ignored."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    return context
