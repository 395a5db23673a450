"""The composition root: the whole life of a request on one page.

client → server/protocol.py → Lifespan → the layers below, outermost first → upstream
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

from gateway.admin.report import WorkerReport
from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.config.settings import Settings
from gateway.lifespan import Lifespan, Opened
from gateway.middleware.authorize import AuthorizeMiddleware
from gateway.middleware.context import ContextMiddleware
from gateway.middleware.cors import CorsMiddleware, CrossOrigin
from gateway.middleware.forwarded import TrustedProxies
from gateway.middleware.own import OwnEndpointsMiddleware
from gateway.middleware.preflight import PreflightMiddleware
from gateway.middleware.rate_limit import RateLimitMiddleware
from gateway.middleware.read import ReadMiddleware
from gateway.middleware.recorder import RequestRecorder
from gateway.middleware.refusal import RefusalMiddleware
from gateway.middleware.route import RouteMiddleware
from gateway.outage import explained
from gateway.parts import Parts
from gateway.policy.rate import Counted
from gateway.proxy.forward import Forward
from gateway.proxy.headers import HeaderRules
from gateway.proxy.websocket import WebSockets
from gateway.reasons import Reason

Layer = Callable[[ASGIApp], ASGIApp]

_EARLY: Final = frozenset({Counted.ADDRESS, Counted.ROUTE})
_LATE: Final = frozenset({Counted.USER})


def layers(settings: Settings, parts: Parts, recorder: RequestRecorder) -> Sequence[Layer]:
    """Every layer and why it stands where it stands.

    A layer that only looks before the next one acts is a plain function that returns what the next one
    returns: `await` sees through it, and a request does not pay for a coroutine at every layer.

    Only the limits and cross-origin layers wrap `send`, on the routes that ask for them; they are left out of the
    pipeline when no route does.
    """
    server, own, origins = settings.server, parts.endpoints.router(), CrossOrigin(settings.cors.policy)
    crossed = settings.cors.policy is not None or any(route.cors for route in settings.table.routes)
    counted = {route.rate_limit.per for route in settings.table.routes if route.rate_limit is not None}
    return (
        # Outermost, so that nothing happens unrecorded: one context, one log line for each request.
        partial(ContextMiddleware, clock=parts.clock, recorder=recorder),
        # Above everything that refuses: the one place where a refusal becomes an answer.
        # It says on refusals too which origins may read them.
        partial(RefusalMiddleware, fields_for=origins.fields_for),
        # Before any decision: the one reading of target, host and client that all decisions use.
        partial(
            ReadMiddleware,
            trusted=TrustedProxies(server.trusted_proxies),
            target_limit=server.limits.target,
            header_limit=server.limits.headers,
            header_count=server.limits.header_count,
        ),
        # Before all that counts or asks for tokens: browsers send none with their question.
        *_when(crossed, PreflightMiddleware, cross_origin=origins, table=settings.table, own=own.routes),
        # Before routing, so that no route can shadow /auth; proxied requests never meet Starlette.
        partial(OwnEndpointsMiddleware, own=CorsMiddleware(own, cross_origin=origins)),
        # 404 and 405 before 401: what does not exist needs no token.
        partial(RouteMiddleware, table=settings.table, body_limit=server.limits.body),
        # After routing, which finds the policy; around all that answers for the route.
        *_when(crossed, CorsMiddleware, cross_origin=origins),
        # Before authentication: guessing tokens is counted too.
        *_when(counted & _EARLY, RateLimitMiddleware, limiter=parts.limiter, counted=_EARLY),
        # Nothing below decides who may, nothing above has touched the upstream.
        partial(AuthorizeMiddleware, authenticator=parts.authenticator),
        # After the decision: before it nobody is known, and what is denied costs the user nothing.
        *_when(counted & _LATE, RateLimitMiddleware, limiter=parts.limiter, counted=_LATE),
    )


def _when(needed: object, layer: Callable[..., ASGIApp], **options: Any) -> Sequence[Layer]:
    return (partial(layer, **options),) if needed else ()


class Gateway:
    """One worker's ASGI application. `beside` are further parts that live as long as it does."""

    def __init__(self, settings: Settings, parts: Parts, beside: Sequence[Opened] = ()) -> None:
        rules, limits = HeaderRules(strip=settings.server.strip_headers), settings.server.limits
        app: ASGIApp = Forward(
            parts.upstreams,
            rules,
            clock=parts.clock,
            body_limit=limits.body,
            live=parts.live,
            websockets=WebSockets(
                rules, parts.live, parts.counters, clock=parts.clock, message_limit=limits.websocket_message
            ),
        )
        self.recorder = RequestRecorder(log=parts.log, counters=parts.counters)
        for layer in reversed(layers(settings, parts, self.recorder)):
            app = layer(app)
        self.report: Callable[[], WorkerReport] = parts.report
        self.app = Lifespan(
            app,
            parts=(*parts.in_order(), *beside),
            prepare=parts.prepare,
            explain=partial(explained, settings),
        )

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self.app(scope, receive, send)

    def turned_away(self, reason: Reason, request_id: str, peer: str) -> None:
        """The server refused what never became a request: it is logged and counted like all others."""
        self.recorder.turned_away(reason, request_id, peer)
