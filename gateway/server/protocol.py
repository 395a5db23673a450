# mypy: disable-error-code="redundant-expr"
# (uvicorn annotates what is None until a connection or request begins as if it never were.)
"""The inbound HTTP/1.1 protocol: uvicorn's httptools protocol with the guards it has no hook for.

Tested with uvicorn 0.54. As it stands, that protocol has no header limit and no deadlines, merges request
trailers into the headers, drops `#…` and the authority from targets, and answers a malformed pipelined request
in the middle of the answer before it. Every override below closes one of these.
"""

from typing import Any, Final

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from gateway.asgi import EXCHANGE_KEY, HANDSHAKE_KEY
from gateway.reasons import Reason
from gateway.server.closing import SLACK, ClosingProtocol
from gateway.server.cycle import GatewayCycle
from gateway.server.handover import Handover, asks_for_websocket
from gateway.server.messages import head_without_upgrade, new_scope
from gateway.server.stage import Enough, Stage

# Requests that wait on one connection for the answer to an earlier one. Each holds memory, and costs its sender
# a few bytes.
_MOST_WAITING: Final = 32
# A body has to grow by this much within the body deadline: a byte now and then would hold its upstream for hours.
_LEAST_PROGRESS: Final = 16 * 1024


class GatewayProtocol(ClosingProtocol):
    """One client connection: what arrives on it becomes requests, one after the other."""

    def data_received(self, data: bytes) -> None:
        if self.broken is not None or self.lingering:
            return
        self.unparsed += len(data)
        unread: bytes | None = data
        try:
            while unread is not None:
                unread = self._feed(unread)
        except httptools.HttpParserError:
            self.broken = self.broken or self._malformed()
        # The parser keeps a field, an extension or a trailer that does not end until it ends.
        if self.unparsed > self.head_limit:
            self.broken = self.broken or Reason.HEADERS_TOO_LARGE
        if self.broken is not None:
            self._break(self.broken)

    def _feed(self, data: bytes) -> bytes | None:
        """Give `data` to the parser; what it must be given next, when it stopped at a request for an upgrade."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade(data[upgrade.args[0] :])
        return None

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.stage, self.head_bytes, self.unparsed = Stage.HEAD, 0, 0
        self.since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        self.url += url
        self.head_bytes += len(url)
        if len(self.url) > self.limits.target + SLACK:
            self.broken = Reason.TARGET_TOO_LONG
            raise Enough

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head_bytes += len(name) + len(value)
        if self.head_bytes > self.head_limit or len(self.headers) > self.limits.header_count:
            self.broken = Reason.HEADERS_TOO_LARGE
            raise Enough
        if self.stage is Stage.HEAD:
            # What comes after the head is a trailer, and never becomes a header (RFC 9110 section 6.5.1).
            # White space after a value is no part of it (section 5.5); the parser leaves it there.
            name, value = name.lower(), value.rstrip(b" \t")
            self.headers.append((name, value))
            if name == b"transfer-encoding":
                self._judge_coding(value)
            elif name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True

    def _judge_coding(self, coding: bytes) -> None:
        """RFC 9112 section 6.1: a coding that is not understood, and any coding of an HTTP/1.0 client, is refused."""
        if coding.lower() != b"chunked":
            self.broken = Reason.NOT_IMPLEMENTED
            raise Enough
        if self.parser.get_http_version() == "1.0":
            self.broken = Reason.HEADER_AMBIGUOUS
            raise Enough

    def on_headers_complete(self) -> None:
        self.stage, self.unparsed, self.progress = Stage.BODY, 0, 0
        self.since = self.loop.time()
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            self.broken = Reason.HEADER_AMBIGUOUS
            raise Enough
        method = self.parser.get_method()
        upgrade = self.parser.should_upgrade() and method != b"CONNECT"
        if upgrade and not asks_for_websocket(method, version, self.headers):
            self.upgrading = True
            return
        if len(self.pipeline) >= _MOST_WAITING:
            self.stage, self.broken = Stage.HEAD, Reason.OVERLOADED
            raise Enough
        scope = new_scope(self, method, version)
        previous = self.cycle
        self.cycle = scope[EXCHANGE_KEY] = GatewayCycle(self, scope, version)
        if upgrade:
            self.handover = scope[HANDSHAKE_KEY] = Handover(self, self.cycle, self.connections)
        if previous is None or previous.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self.running = cycle
        cycle.task = task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def on_body(self, body: bytes) -> None:
        self.unparsed = 0
        self.progress += len(body)
        if self.progress >= _LEAST_PROGRESS:
            self.since, self.progress = self.loop.time(), 0
        if self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def _without_upgrade(self, rest: bytes) -> bytes | None:
        """Read the request again as one that asks for no upgrade.

        The parser skips the body of a request that asks for one, and would take it for the next request.
        """
        if not self.upgrading:
            self.cycle.keep_alive = False
            if self.handover is not None:
                self.parser = self.handover  # type: ignore[assignment]
                self.handover.feed_data(rest)
            return None
        self.upgrading = False
        version = self.parser.get_http_version().encode()
        head = head_without_upgrade(self.parser.get_method(), self.url, version, self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return head + rest

    def on_message_complete(self) -> None:
        self.stage, self.unparsed = Stage.IDLE, 0
        if not self.upgrading and not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    # What leaves.

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self.served += 1
        self.since = self.loop.time()
        if self.transport.is_closing():
            return
        if self.cycle.response_complete and self.cycle.more_body:
            self._linger()
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        # Not before: each answer would let in another bufferful of requests.
        self.flow.resume_reading()
        if self.broken is not None:
            self._answer(self.broken)
