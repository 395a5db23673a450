"""Inbound HTTP/2 (RFC 9113) by prior knowledge, on zttp's frames: the same requests for the same judgement.

zttp refuses malformed and connection-specific fields, wrong lengths and pseudo fields out of place, bounds header
blocks, streams and resets, and answers pings. The deadlines, the bounds on what is held for a client, and the
reading of a request into a scope are here.
"""

import asyncio
from collections.abc import Iterator
from math import inf
from typing import Any, Final

import zttp
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from gateway.middleware.request_ids import new_request_id
from gateway.reasons import Reason
from gateway.server.h2_exchange import H2Exchange
from gateway.server.limits import ServerConfig

# Request bodies held for all streams of a connection together, before nothing more is read from it.
_MOST_HELD: Final = 256 * 1024
_PROTOCOL_ERROR, _REFUSED_STREAM = 0x1, 0x7


class H2Protocol(asyncio.Protocol):
    """One client connection. `sweep` is called twice a second for its deadlines."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.config = config
        self.app = config.loaded_app
        self.loop = _loop or asyncio.get_event_loop()
        self.limits = config.limits
        self.server_state = server_state
        self.app_state = app_state
        self.frames: zttp.H2Connection = zttp.Connection(zttp.SERVER, protocol=zttp.HTTP2)
        self.exchanges: dict[int, H2Exchange] = {}
        self.transport: Any = None
        self.client: tuple[str, int] | None = None
        self.since = self.loop.time()
        self.newest = 0
        self.held = 0
        self.writable = True
        self.stalled = inf
        self.leaving = False
        self.place: str | None = None

    # What the loop calls.

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.client = get_remote_addr(transport)
        self.server_state.connections.add(self)  # type: ignore[arg-type]
        self.config.watch(self.server_state, self.loop)
        self.place = self.config.crowd.enter(self.client[0] if self.client else "")
        if self.place is None:
            self._turn_away(Reason.OVERLOADED)
            transport.close()
            return
        self.frames.initiate_connection()
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.connections.discard(self)
        if self.place is not None:
            self.config.crowd.leave(self.place)
            self.place = None
        for exchange in list(self.exchanges.values()):
            exchange.leave()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        try:
            self.frames.receive_data(data)
            for event in self._events():
                self._on(event)
        except zttp.RemoteProtocolError:
            self._break()
            return
        self.flush()
        for exchange in list(self.exchanges.values()):
            exchange.wake()
        self._pace()

    def pause_writing(self) -> None:
        """The client reads nothing: nothing more is read from it either, or answers to its pings would pile up."""
        self.writable = False
        self.stalled = self.loop.time()
        self._pace()

    def resume_writing(self) -> None:
        self.writable = True
        self.stalled = inf
        self._pace()
        for exchange in list(self.exchanges.values()):
            exchange.wake()

    # What the server calls.

    def shutdown(self) -> None:
        """Take no more requests, finish what runs."""
        self._leave()

    def sweep(self, now: float) -> None:
        """Close what has waited too long. Pings do not count: only requests keep a connection."""
        if self.transport is None or self.transport.is_closing():
            return
        for exchange in list(self.exchanges.values()):
            if now - exchange.stalled > self.limits.idle_deadline:
                # A client that does not read would hold its upstream connection for as long as it likes.
                exchange.give_up()
            elif not exchange.more_body or exchange.complete or self.held > _MOST_HELD or exchange.expects:
                exchange.since = now
            elif now - exchange.since > self.limits.body_deadline:
                exchange.abort(Reason.REQUEST_TIMEOUT)
        if self.exchanges:
            self.since = now
        elif now - self.since > (self.limits.idle_deadline if self.newest else self.limits.header_deadline):
            self._leave()
        self.flush()
        if now - self.stalled > self.limits.idle_deadline:
            self.transport.abort()

    # What exchanges call.

    def flush(self) -> None:
        data = self.frames.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def taken(self, size: int) -> None:
        self.held -= size
        self._pace()

    def finished(self, exchange: H2Exchange) -> None:
        self.server_state.total_requests += 1
        self.taken(len(exchange.body))
        self.exchanges.pop(exchange.stream.stream_id, None)
        self.since = self.loop.time()
        if self.leaving and not self.exchanges:
            self.transport.close()

    def dated(self) -> list[tuple[bytes, bytes]]:
        return self.server_state.default_headers

    # What arrives.

    def _events(self) -> Iterator[zttp.Event]:
        while (event := self.frames.next_event()) is not zttp.NEED_DATA:
            yield event

    def _on(self, event: zttp.Event) -> None:
        if isinstance(event, zttp.Request):
            self._begin(event)
        elif isinstance(event, zttp.GoAway):
            self._leave()
        elif isinstance(event, zttp.Data | zttp.EndOfMessage | zttp.RstStream):
            exchange = self.exchanges.get(event.stream_id)
            if exchange is not None:
                self._go_on(exchange, event)
            elif isinstance(event, zttp.RstStream) and event.stream_id > self.newest:
                # zttp refused the request before it became one.
                self.newest = event.stream_id
                self._turn_away(Reason.HEADER_AMBIGUOUS)

    def _go_on(self, exchange: H2Exchange, event: zttp.Data | zttp.EndOfMessage | zttp.RstStream) -> None:
        if isinstance(event, zttp.RstStream):
            exchange.leave()
        elif exchange.disconnected or exchange.complete:
            return
        elif isinstance(event, zttp.Data):
            self.held += len(event.data)
            exchange.since = self.loop.time()
            exchange.feed(event.data)
        else:
            exchange.end()

    def _begin(self, event: zttp.Request) -> None:
        self.newest = event.stream_id
        stream = self.frames.stream(event.stream_id)
        if self.leaving:
            # RFC 9113 section 8.7: the client may send it again elsewhere.
            stream.reset(_REFUSED_STREAM)
            return
        # zttp tells of an expectation on HTTP/1.1 only.
        expects = any(name == b"expect" and value.lower() == b"100-continue" for name, value in event.headers)
        exchange = H2Exchange(self._scope(event), stream, self, whole=event.end_stream, expects=expects)
        exchange.since = self.loop.time()
        self.exchanges[event.stream_id] = exchange
        task = self.loop.create_task(exchange.run(self.app))
        task.add_done_callback(self.server_state.tasks.discard)
        self.server_state.tasks.add(task)

    def _scope(self, event: zttp.Request) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "2",
            "server": get_local_addr(self.transport),
            "client": self.client,
            "scheme": "http",
            "root_path": "",
            "method": event.method.decode("latin-1"),
            "raw_target": event.target,
            "raw_path": event.path,
            "query_string": event.query,
            "path": event.path.decode("latin-1"),
            "headers": _as_http_1(list(event.headers), whole=event.end_stream),
            "state": self.app_state.copy(),
        }

    def _break(self) -> None:
        """Nothing more can be said on this connection but why it ends."""
        self._turn_away(Reason.HEADER_AMBIGUOUS)
        for exchange in list(self.exchanges.values()):
            exchange.leave()
        self.flush()
        self.transport.close()

    def _leave(self) -> None:
        if not self.leaving:
            self.leaving = True
            self.frames.close()
            self.flush()
        if not self.exchanges:
            self.transport.close()

    def _pace(self) -> None:
        """Read from the client only while it reads, and while not too much of its requests is held."""
        if self.transport.is_closing():
            return
        if self.writable and self.held <= _MOST_HELD:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def _turn_away(self, reason: Reason) -> None:
        self.app.turned_away(reason, new_request_id(), self.client[0] if self.client else "")


def _as_http_1(headers: list[tuple[bytes, bytes]], *, whole: bool) -> list[tuple[bytes, bytes]]:
    """The fields as HTTP/1.1 has them: a split Cookie in one again (RFC 9113 section 8.2.3), and a body of unknown
    length announced as one."""
    crumbs = [value for name, value in headers if name == b"cookie"]
    if len(crumbs) > 1:
        headers = [field for field in headers if field[0] != b"cookie"]
        headers.append((b"cookie", b"; ".join(crumbs)))
    if not whole and all(name != b"content-length" for name, _ in headers):
        headers.append((b"transfer-encoding", b"chunked"))
    return headers
