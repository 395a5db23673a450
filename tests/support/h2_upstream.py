"""A scripted upstream that speaks HTTP/2, over TLS or from the first byte on."""

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from tests.support.raw_upstream import Peer, RawUpstream

Fields = list[tuple[bytes, bytes]]


@dataclass
class H2Request:
    """One request; `reset` is the error code it was given up with."""

    peer: "H2Peer"
    stream_id: int
    fields: Fields
    body: bytes = b""
    ended: bool = False
    reset: int | None = None

    def one(self, name: bytes) -> bytes | None:
        return dict(self.fields).get(name)

    def head(self, *fields: tuple[bytes, bytes], status: bytes = b"200", end: bool = False) -> None:
        self.peer.h2.send_headers(self.stream_id, [(b":status", status), *fields], end_stream=end)
        self.peer.flush()

    def data(self, data: bytes, *, end: bool = False) -> None:
        self.peer.h2.send_data(self.stream_id, data, end_stream=end)
        self.peer.flush()

    def answer(self, body: bytes = b"ok", *fields: tuple[bytes, bytes], status: bytes = b"200") -> None:
        self.head(*fields, status=status)
        self.data(body, end=True)


@dataclass
class H2Peer:
    """One connection."""

    peer: Peer
    h2: h2.connection.H2Connection
    requests: dict[int, H2Request] = field(default_factory=dict)

    def flush(self) -> None:
        self.peer.send(self.h2.data_to_send())


Respond = Callable[[H2Request], None]


def nothing(_request: H2Request) -> None:
    """No answer yet."""


def answer(request: H2Request) -> None:
    """200, ok."""
    request.answer()


class H2Upstream(RawUpstream):
    """`respond` is called when a request is complete, `begin` when its head is there; both may do nothing yet.

    `take_bodies` False: no window is given back for what is received.
    """

    def __init__(
        self,
        respond: Respond = answer,
        *,
        begin: Respond = nothing,
        context: ssl.SSLContext | None = None,
        most_streams: int = 100,
        take_bodies: bool = True,
        checked: bool = True,
        path: Path | None = None,
    ) -> None:
        super().__init__(self._serve, path=path, timeout=10)
        self.exchanges: list[H2Request] = []
        self.connections: list[H2Peer] = []
        self._respond, self._begin = respond, begin
        self._context = context
        self._most_streams = most_streams
        self._take_bodies = take_bodies
        self._checked = checked

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self._context is not None else super().url

    @property
    def exchanged(self) -> int:
        """Requests that were begun."""
        return len(self.exchanges)

    def _serve(self, peer: Peer) -> None:
        if self._context is not None:
            peer.sock = self._context.wrap_socket(peer.sock, server_side=True)
            peer.reader.sock = peer.sock
        config = h2.config.H2Configuration(
            client_side=False,
            validate_outbound_headers=self._checked,
            normalize_outbound_headers=self._checked,
        )
        connection = H2Peer(peer, h2.connection.H2Connection(config))
        connection.h2.initiate_connection()
        connection.h2.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self._most_streams})
        connection.flush()
        self.connections.append(connection)
        while data := self._received(peer):
            for event in connection.h2.receive_data(data):
                self._take(connection, event)
            connection.flush()
        peer.ended = True

    def _received(self, peer: Peer) -> bytes:
        with contextlib.suppress(ConnectionError):
            return peer.sock.recv(65536)
        return b""

    def _take(self, connection: H2Peer, event: Any) -> None:
        if isinstance(event, h2.events.RequestReceived):
            request = H2Request(connection, event.stream_id, event.headers)
            connection.requests[event.stream_id] = request
            self.exchanges.append(request)
            self._begin(request)
        elif isinstance(event, h2.events.DataReceived):
            connection.requests[event.stream_id].body += event.data
            if self._take_bodies:
                with contextlib.suppress(h2.exceptions.ProtocolError):
                    connection.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            connection.requests[event.stream_id].ended = True
            self._respond(connection.requests[event.stream_id])
        elif isinstance(event, h2.events.StreamReset) and event.stream_id in connection.requests:
            connection.requests[event.stream_id].reset = event.error_code
