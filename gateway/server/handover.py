"""Handing a client's connection over, from HTTP to a WebSocket."""

import asyncio
import re
from typing import Any, Final, Protocol

from uvicorn.protocols.http.flow_control import FlowControl

from gateway.asgi import Successor
from gateway.reasons import Reason
from gateway.server.cycle import GatewayCycle
from gateway.server.limits import ServerConfig

Headers = list[tuple[bytes, bytes]]

# Sixteen bytes in base64.
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")
_ONCE: Final = (b"upgrade", b"sec-websocket-key", b"sec-websocket-version")


def asks_for_websocket(method: bytes, version: str, headers: Headers) -> bool:
    """Whether a request for an upgrade is an opening handshake as RFC 6455 section 4.2.1 wants it, without a body.

    `headers` have lower-case names. Any other request for an upgrade is read as if it had not asked for one.
    """
    if method != b"GET" or version != "1.1":
        return False
    said: dict[bytes, bytes] = {}
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return False
        if name in _ONCE:
            if name in said:
                return False
            said[name] = value
    return (
        said.get(b"upgrade", b"").lower() == b"websocket"
        and said.get(b"sec-websocket-version") == b"13"
        and _KEY.fullmatch(said.get(b"sec-websocket-key", b"")) is not None
    )


class Left(Protocol):
    """What the HTTP protocol that is left has (`server.protocol.GatewayProtocol`)."""

    config: ServerConfig
    transport: asyncio.Transport
    flow: FlowControl
    broken: Reason | None
    place: str | None


class Handover:
    """Implements `gateway.asgi.Handshake`. Until `switch` it stands where the HTTP parser stood.

    What follows a handshake is no HTTP, whatever the answer is: it is kept for the successor, or dropped.
    """

    __slots__ = ("_connections", "_cycle", "_early", "_protocol")

    def __init__(self, protocol: Left, cycle: GatewayCycle, connections: set[Any]) -> None:
        self._protocol: Left | None = protocol
        self._cycle: GatewayCycle | None = cycle
        self._connections = connections
        self._early = bytearray()

    def feed_data(self, data: bytes) -> None:
        """In place of the parser's method; the protocol bounds what comes before an answer."""
        self._early += data

    def switch(self, head: bytes, successor: Successor) -> None:
        """See `gateway.asgi.Handshake`."""
        protocol, cycle = self._protocol, self._cycle
        self.drop()
        if protocol is None or cycle is None or not _can_be_left(protocol, cycle):
            raise ConnectionError
        transport, flow = protocol.transport, protocol.flow
        self._follow(protocol, cycle, successor)
        cycle.give_up()
        cycle.writes.flush()
        transport.write(head)
        transport.set_protocol(successor)
        successor.connection_made(transport)
        flow.resume_reading()
        if flow.write_paused:
            successor.pause_writing()
        if self._early:
            successor.data_received(bytes(self._early))
        if cycle.draining:
            successor.shutdown()

    def drop(self) -> None:
        """Nothing comes of it any more. Scope, cycle and this refer to each other: no collector is needed."""
        self._protocol = self._cycle = None

    def _follow(self, protocol: Left, cycle: GatewayCycle, successor: Successor) -> None:
        """The server looks after the successor as long as the application is busy with it."""
        connections, crowd, place = self._connections, protocol.config.crowd, protocol.place
        connections.discard(protocol)
        connections.add(successor)

        def ended(_task: object) -> None:
            connections.discard(successor)
            if place is not None:
                crowd.leave(place)

        if cycle.task is not None:
            cycle.task.add_done_callback(ended)


def _can_be_left(protocol: Left, cycle: GatewayCycle) -> bool:
    return protocol.broken is None and not cycle.disconnected and not protocol.transport.is_closing()
