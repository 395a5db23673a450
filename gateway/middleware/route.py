"""Finds the route that judges a request; nothing matched means nothing allowed."""

from collections.abc import Awaitable
from typing import Final

from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal
from gateway.policy.table import AmbiguousPath, Match, MethodNotAllowed, Outcome, RouteTable
from gateway.policy.target import Target
from gateway.reasons import Reason

_Key = tuple[str, str, bytes]

_MOST_MATCHES: Final = 4096
_LONGEST_PATH: Final = 512


class RouteMiddleware:
    """Puts the match into the context, or refuses: 400 ambiguous, 413, 404 no route, 405 with `Allow`.

    `body_limit` in bytes holds where a route has none of its own.
    """

    def __init__(self, app: ASGIApp, *, table: RouteTable, body_limit: int) -> None:
        self.app = app
        self.table = table
        self.body_limit = body_limit
        self._matches: dict[_Key, Match] = {}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        context: GatewayContext = scope[SCOPE_KEY]
        target = context.target
        if target is None:
            raise Refusal(Reason.PATH_AMBIGUOUS)
        key = (context.method, context.host, target.path)
        found = self._matches.get(key) or self._match(key, target)
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

    def _match(self, key: _Key, target: Target) -> Outcome:
        """Ask the table; matches of short paths are remembered, a bounded number of them."""
        found = self.table.match(key[0], key[1], target)
        if isinstance(found, Match) and len(key[2]) <= _LONGEST_PATH:
            if len(self._matches) >= _MOST_MATCHES:
                self._matches.clear()
            self._matches[key] = found
        return found
