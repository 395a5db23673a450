"""One log line and a few counters for every finished request."""

from gateway.context import GatewayContext
from gateway.observe.access_log import AccessLog
from gateway.observe.counters import Counters
from gateway.reasons import Reason

# The status that is logged when the caller left before an answer began; nothing was sent.
CLIENT_GONE = 499


class RequestRecorder:
    """Implements `middleware.context.Recorder`; costs a few microseconds a request."""

    def __init__(self, *, log: AccessLog, counters: Counters) -> None:
        self.log = log
        self.counters = counters

    def started(self) -> None:
        self.counters.in_flight += 1

    def finished(self, context: GatewayContext, seconds: float) -> None:
        self.counters.in_flight -= 1
        status = context.status or CLIENT_GONE
        reason = context.reason.word if context.reason is not None else None
        target = context.target
        principal = context.principal
        self.counters.observe_request(context.route_name, reason or "allowed", status, seconds)
        if context.upstream is not None and context.upstream_seconds is not None:
            self.counters.observe_upstream(context.upstream, context.upstream_seconds)
        self.log.record(
            request_id=context.request_id,
            method=context.method,
            path=target.path if target is not None else b"",
            route=context.route_name,
            reason=reason,
            why=context.why,
            status=status,
            subject=principal.subject if principal is not None else None,
            client=context.client_address,
            upstream=context.upstream,
            seconds=seconds,
            upstream_seconds=context.upstream_seconds,
            bytes_in=context.bytes_in,
            bytes_out=context.bytes_out,
        )

    def turned_away(self, reason: Reason, request_id: str, peer: str) -> None:
        """One line for bytes that never became a request; neither method nor path is known."""
        context = GatewayContext(request_id=request_id, started=0, method="-", scheme="http", peer=peer, headers=[])
        context.reason, context.status = reason, reason.status
        self.started()
        self.finished(context, 0)
