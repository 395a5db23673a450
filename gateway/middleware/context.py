"""The outermost layer: gives the request its context, and writes one log line whatever happens below."""

from collections.abc import Callable
from typing import Protocol

from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.clock import Clock
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.middleware.request_ids import RequestIds


class Recorder(Protocol):
    """What wants to hear of every request."""

    def started(self) -> None:
        """A request has come in; `finished` follows, whatever happens."""
        ...

    def finished(self, context: GatewayContext, seconds: float) -> None:
        """`seconds` from the first header byte judged to the last byte handed to the server."""
        ...


class ContextMiddleware:
    """Makes a `GatewayContext` for every HTTP request; other scopes pass untouched."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        clock: Clock,
        recorder: Recorder,
        request_ids: Callable[[], str] | None = None,
    ) -> None:
        self.app = app
        self.clock = clock
        self.recorder = recorder
        self.request_ids = request_ids or RequestIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = scope.get("client")
        context = GatewayContext(
            request_id=self.request_ids(),
            started=self.clock.monotonic(),
            method=scope["method"],
            scheme=scope["scheme"],
            peer=client[0] if client else "",
            headers=list(scope["headers"]),
        )
        scope[SCOPE_KEY] = context
        self.recorder.started()
        try:
            await self.app(scope, receive, send)
        finally:
            self.recorder.finished(context, self.clock.monotonic() - context.started)
