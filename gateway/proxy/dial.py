"""Making a connection to a target: TCP or a Unix socket, with or without TLS."""

import asyncio
import ssl
from collections.abc import Callable
from typing import TypeVar

from gateway.errors import UpstreamFailed
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.names import Addresses
from gateway.proxy.tls import upstream_context
from gateway.reasons import Reason

P = TypeVar("P", bound=asyncio.Protocol)


class Dial:
    """Connects within `timeout` seconds, which all addresses of a name share.

    An https endpoint is spoken to over TLS only, with `ssl_context` or else `upstream_context`;
    `server_name` is who its certificate must be for, in place of the endpoint's host.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        *,
        timeout: float,
        ssl_context: ssl.SSLContext | None = None,
        server_name: str | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.timeout = timeout
        self.addresses = addresses or Addresses(endpoint.host, endpoint.port)
        self.ssl_context: ssl.SSLContext | None = None
        self.server_name: str | None = None
        if endpoint.secure:
            self.ssl_context = ssl_context or upstream_context()
            self.server_name = server_name or endpoint.host

    async def connect(self, make: Callable[[], P]) -> P:
        """A connection with the protocol that `make` makes; UpstreamFailed(UPSTREAM_UNREACHABLE) without one."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.timeout):
                if self.endpoint.socket:
                    return (await loop.create_unix_connection(make, self.endpoint.socket))[1]
                return await self._connect_tcp(loop, make)
        except TimeoutError:
            raise self._unreachable("connecting took too long") from None
        except (OSError, UnicodeError) as error:  # ssl.SSLError is an OSError; no name is a UnicodeError.
            raise self._unreachable(str(error)) from None

    async def _connect_tcp(self, loop: asyncio.AbstractEventLoop, make: Callable[[], P]) -> P:
        """Each address in turn, with its share of the time that is left: one dead address is not the end."""
        ends_at = loop.time() + self.timeout
        addresses = await self.addresses.all()
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                async with asyncio.timeout((ends_at - loop.time()) / left):
                    _, protocol = await loop.create_connection(
                        make, address, self.endpoint.port, ssl=self.ssl_context, server_hostname=self.server_name
                    )
            except OSError as error:
                failure = error
                self.addresses.silent(address)
            else:
                return protocol
        raise failure

    def close(self) -> None:
        self.addresses.close()

    def _unreachable(self, why: str) -> UpstreamFailed:
        return UpstreamFailed(Reason.UPSTREAM_UNREACHABLE, self.name, why)
