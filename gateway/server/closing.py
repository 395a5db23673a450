# mypy: disable-error-code="redundant-expr"
# (uvicorn annotates what is None until a connection or request begins as if it never were.)
"""How an inbound connection begins and ends: places, refusals, lingering, deadlines."""

import asyncio
from math import inf
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.asgi import EXCHANGE_KEY
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.middleware.request_ids import new_request_id
from gateway.reading import Memory
from gateway.reasons import Reason
from gateway.server.cycle import GatewayCycle
from gateway.server.handover import Handover
from gateway.server.limits import ServerConfig
from gateway.server.messages import refusal
from gateway.server.stage import Stage

SLACK: Final = 1024
_LINGER: Final = 2.0


class ClosingProtocol(HttpToolsProtocol):
    """The half of `server.protocol` that ends things. `sweep` is called twice a second: no timer per request."""

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.config: ServerConfig = config
        self.limits = config.limits
        self.since = self.loop.time()
        self.stage = Stage.IDLE
        self.head_bytes = 0
        self.head_limit = self.limits.header_bytes + self.limits.target + SLACK
        self.unparsed = 0
        self.served = 0
        self.broken: Reason | None = None
        self.lingering = False
        self.upgrading = False
        self.handover: Handover | None = None
        self.running: GatewayCycle | None = None
        self.memory = Memory()
        self.place: str | None = None
        self.stalled = inf
        self.progress = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.config.watch(self.server_state, self.loop)
        self.place = self.config.crowd.enter(self.client[0] if self.client else "")
        if self.place is None:
            # Nobody waits for one that is too many: the answer is lost if a request is on its way already.
            self.broken = Reason.OVERLOADED
            self._answer(self.broken)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.place is not None:
            self.config.crowd.leave(self.place)
            self.place = None
        for waiting, _ in self.pipeline:
            # Scope and cycle refer to each other; what never ran must not wait for the collector.
            waiting.scope.pop(EXCHANGE_KEY, None)  # type: ignore[typeddict-item]
        self.pipeline.clear()
        if self.handover is not None:
            self.handover.drop()
        if self.running is not None:
            self.running.departed()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.stalled = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.stalled = inf

    def _linger(self) -> None:
        """Answered before all had arrived: read a little more, so that the answer is not lost to a reset
        (RFC 9112 section 9.6), then close."""
        self.lingering, self.since = True, self.loop.time()
        self.config.writes.flush()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    # What is refused here.

    def _malformed(self) -> Reason:
        return Reason.BODY_INVALID if self.stage is Stage.BODY else Reason.HEADER_AMBIGUOUS

    def _break(self, reason: Reason) -> None:
        """Framing is in doubt: nothing more of this connection is read. What was whole before is answered first."""
        self.broken = reason
        running = self.running
        if running is None or running.response_complete:
            self._answer(reason)
        elif running is self.cycle and self.stage is Stage.BODY:
            self._abort(running, reason)
        elif self.pipeline and self.stage is Stage.BODY:
            self.pipeline.popleft()

    def _abort(self, cycle: GatewayCycle, reason: Reason) -> None:
        """The request being served will never be whole: its application sees a disconnect."""
        cycle.scope["aborted"] = reason  # type: ignore[typeddict-unknown-key]
        started = cycle.response_started
        cycle.departed()
        if started:
            self.transport.abort()
        else:
            context = cycle.scope.get(SCOPE_KEY)
            self._answer(reason, context.request_id if isinstance(context, GatewayContext) else None)

    def _answer(self, reason: Reason, known_as: str | None = None) -> None:
        """Refuse, then close. The application is told, unless it knows the request by an id and records it."""
        if self.transport.is_closing() or self.lingering:
            return
        request_id = known_as or new_request_id()
        self.config.writes.flush()
        self.transport.write(refusal(reason, request_id))
        if known_as is None:
            self.app.turned_away(reason, request_id, self.client[0] if self.client else "")
        self._linger()

    def shutdown(self) -> None:
        self.config.writes.flush()
        super().shutdown()
        if self.running is not None:
            self.running.drain()

    def sweep(self, now: float) -> None:
        """Close what has waited too long: silent connections, slow heads, stalled bodies, idle keep-alives."""
        if self.transport is None or self.transport.is_closing():
            return
        waited = now - self.since
        limits = self.limits
        if now - self.stalled > limits.idle_deadline:
            # A client that does not read would hold its upstream connection for as long as it likes.
            self.transport.abort()
        elif self.lingering:
            if waited > _LINGER:
                self.transport.close()
        elif self.stage is Stage.BODY:
            if self.flow.read_paused or self.cycle.waiting_for_100_continue:
                # Who waits for 100 (Continue), or is kept waiting by us, owes nothing yet.
                self.since = now
            elif waited > limits.body_deadline:
                self._break(Reason.REQUEST_TIMEOUT)
        elif self.running is not None and not self.running.response_complete:
            return
        elif self.stage is Stage.HEAD:
            if waited > limits.header_deadline:
                self._answer(Reason.REQUEST_TIMEOUT)
        elif waited > (limits.idle_deadline if self.served else limits.header_deadline):
            self.transport.close()
