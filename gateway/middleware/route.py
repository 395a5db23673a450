"""Finds the route that judges a request; nothing matched means nothing allowed."""

from collections.abc import Awaitable

from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal
from gateway.policy.table import AmbiguousPath, Match, MethodNotAllowed, RouteTable
from gateway.reasons import Reason


class RouteMiddleware:
    """Puts the match into the context, or refuses: 400 ambiguous, 413, 404 no route, 405 with `Allow`.

    `body_limit` in bytes holds where a route has none of its own.
    """

    def __init__(self, app: ASGIApp, *, table: RouteTable, body_limit: int) -> None:
        self.app = app
        self.table = table
        self.body_limit = body_limit

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        context: GatewayContext = scope[SCOPE_KEY]
        target = context.target
        if target is None:
            raise Refusal(Reason.PATH_AMBIGUOUS)
        found = self.table.match(context.method, context.host, target)
        if isinstance(found, Match):
            context.match = found
            context.route_name = found.route.name
            limit = found.route.forwarding.body_limit
            if context.body_length and context.body_length > (self.body_limit if limit is None else limit):
                raise Refusal(Reason.BODY_TOO_LARGE)
            return self.app(scope, receive, send)
        if isinstance(found, AmbiguousPath):
            raise Refusal(Reason.PATH_AMBIGUOUS)
        if context.body_length and context.body_length > self.body_limit:
            raise Refusal(Reason.BODY_TOO_LARGE)
        if isinstance(found, MethodNotAllowed):
            raise Refusal(Reason.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(found.allowed)})
        raise Refusal(Reason.NO_ROUTE)
