"""The composition root: the whole life of a request on one page.

client → server/protocol.py → Lifespan → the layers below, outermost first → upstream
"""

from collections.abc import Callable, Sequence
from functools import partial

from gateway.admin.report import WorkerReport
from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.config.settings import Settings
from gateway.lifespan import Lifespan, Opened
from gateway.middleware.authorize import AuthorizeMiddleware
from gateway.middleware.context import ContextMiddleware
from gateway.middleware.forwarded import TrustedProxies
from gateway.middleware.own import OwnEndpointsMiddleware
from gateway.middleware.read import ReadMiddleware
from gateway.middleware.recorder import RequestRecorder
from gateway.middleware.refusal import RefusalMiddleware
from gateway.middleware.route import RouteMiddleware
from gateway.parts import Parts
from gateway.proxy.forward import Forward
from gateway.proxy.headers import HeaderRules
from gateway.reasons import Reason

Layer = Callable[[ASGIApp], ASGIApp]


def layers(settings: Settings, parts: Parts, recorder: RequestRecorder) -> Sequence[Layer]:
    """Every layer and why it stands where it stands. None of them wraps `send` for proxied requests."""
    server = settings.server
    return (
        # Outermost, so that nothing happens unrecorded: one context, one log line for each request.
        partial(ContextMiddleware, clock=parts.clock, recorder=recorder),
        # Above everything that refuses: the one place where a refusal becomes an answer.
        partial(RefusalMiddleware),
        # Before any decision: the one reading of target, host and client that all decisions use.
        partial(
            ReadMiddleware,
            trusted=TrustedProxies(server.trusted_proxies),
            target_limit=server.limits.target,
            header_limit=server.limits.headers,
            header_count=server.limits.header_count,
        ),
        # Before routing, so that no route can shadow /auth; proxied requests never meet Starlette.
        partial(OwnEndpointsMiddleware, own=parts.endpoints.router()),
        # 404 and 405 before 401: what does not exist needs no token.
        partial(RouteMiddleware, table=settings.table, body_limit=server.limits.body),
        # Last before the upstream: nothing below decides anything, nothing above has touched the upstream.
        partial(AuthorizeMiddleware, authenticator=parts.authenticator),
    )


class Gateway:
    """One worker's ASGI application. `beside` are further parts that live as long as it does."""

    def __init__(self, settings: Settings, parts: Parts, beside: Sequence[Opened] = ()) -> None:
        app: ASGIApp = Forward(
            parts.upstreams,
            HeaderRules(strip=settings.server.strip_headers),
            clock=parts.clock,
            body_limit=settings.server.limits.body,
        )
        self.recorder = RequestRecorder(log=parts.log, counters=parts.counters)
        for layer in reversed(layers(settings, parts, self.recorder)):
            app = layer(app)
        self.report: Callable[[], WorkerReport] = parts.report
        self.app = Lifespan(app, parts=(*parts.in_order(), *beside), prepare=parts.prepare)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def turned_away(self, reason: Reason, request_id: str, peer: str) -> None:
        """The server refused what never became a request: it is logged and counted like all others."""
        self.recorder.turned_away(reason, request_id, peer)
