"""HTTP/1.1 or HTTP/2: the first bytes of a connection say which (RFC 9113 section 3.3, prior knowledge)."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.utils import get_remote_addr
from uvicorn.server import ServerState

from gateway.server.h2 import H2Protocol
from gateway.server.limits import ServerConfig
from gateway.server.protocol import GatewayProtocol

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class ChoosingProtocol(asyncio.Protocol):
    """Hands the connection on as soon as its first bytes are, or cannot become, the preface of HTTP/2.

    Until then it is counted, and closed after the header deadline, like any other connection.
    """

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.config = config
        self.server_state = server_state
        self.app_state = app_state
        self.loop = _loop or asyncio.get_event_loop()
        self.transport: Any = None
        self.since = self.loop.time()
        self.first = b""
        self.place: str | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        client = get_remote_addr(transport)
        self.server_state.connections.add(self)  # type: ignore[arg-type]
        self.config.watch(self.server_state, self.loop)
        self.place = self.config.crowd.enter(client[0] if client else "")
        if self.place is None:
            self._hand_on(GatewayProtocol)

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()

    def data_received(self, data: bytes) -> None:
        self.first += data
        if self.first.startswith(_PREFACE):
            self._hand_on(H2Protocol)
        elif not _PREFACE.startswith(self.first):
            self._hand_on(GatewayProtocol)

    def shutdown(self) -> None:
        """Nothing was asked yet."""
        self.transport.close()

    def sweep(self, now: float) -> None:
        """Close what stays silent."""
        if now - self.since > self.config.limits.header_deadline:
            self.transport.close()

    def _let_go(self) -> None:
        self.server_state.connections.discard(self)
        if self.place is not None:
            self.config.crowd.leave(self.place)
            self.place = None

    def _hand_on(self, kind: type[GatewayProtocol] | type[H2Protocol]) -> None:
        self._let_go()
        protocol = kind(self.config, self.server_state, self.app_state, self.loop)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if self.first:
            protocol.data_received(self.first)
