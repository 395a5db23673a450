"""Preflight requests: a browser asks whether a page of another origin may send what it wants to send."""

import re
from collections.abc import Awaitable, Iterator, Sequence
from typing import Final

from starlette.routing import BaseRoute, Match, Route

from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.middleware.cors import CrossOrigin, granted, origin_of
from gateway.middleware.fields import Fields
from gateway.middleware.own import is_own
from gateway.policy.cors import CorsPolicy
from gateway.policy.table import Match as RouteMatch
from gateway.policy.table import RouteTable
from gateway.policy.target import Target

_ASKED_METHOD: Final = b"access-control-request-method"
_ASKED_HEADERS: Final = b"access-control-request-headers"
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Ten minutes: how long a change of the configuration may take to reach browsers that asked before it.
_MAX_AGE: Final = (b"access-control-max-age", b"600")
_VARY: Final = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")


class PreflightMiddleware:
    """Answers preflights for routes and own endpoints that have a CORS policy, before any authentication:
    browsers send no credentials with them. All other requests pass, OPTIONS too.
    """

    def __init__(self, app: ASGIApp, *, cross_origin: CrossOrigin, table: RouteTable, own: Sequence[BaseRoute]) -> None:
        self.app = app
        self.cross_origin = cross_origin
        self.table = table
        self.own = own

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        context: GatewayContext = scope[SCOPE_KEY]
        if context.method == "OPTIONS" and scope["type"] == "http" and context.target is not None:
            fields = self._answer(context, context.target)
            if fields is not None:
                return _send(context, fields, send)
        return self.app(scope, receive, send)

    def _answer(self, context: GatewayContext, target: Target) -> Fields | None:
        """The fields of the answer; None for what is no preflight, or is not ours to answer."""
        origin, method = origin_of(context), _single(context, _ASKED_METHOD)
        if origin is None or method is None:
            return None
        name, policy, methods = self._asked(context, target, method.decode("latin-1"))
        if policy is None:
            return None
        context.route_name = name
        fields = granted(policy, origin, exposed=False)
        if fields:
            fields.append((b"access-control-allow-methods", ", ".join(methods).encode()))
            headers = list(_asked_headers(context))
            if headers:
                fields.append((b"access-control-allow-headers", b", ".join(headers)))
            fields.append(_MAX_AGE)
        return [*fields, _VARY]

    def _asked(
        self, context: GatewayContext, target: Target, method: str
    ) -> tuple[str, CorsPolicy | None, Sequence[str]]:
        """Who would take the request that the browser wants to send, and the methods under the same policy."""
        if is_own(target):
            methods = () if target.marks else self._own_methods(target)
            return "auth", self.cross_origin.everywhere if method in methods else None, methods
        wanted = self.table.match(method, context.host, target)
        if not isinstance(wanted, RouteMatch):
            return "-", None, ()
        policy = wanted.route.cors
        named = [other for other in self.table.methods(context.host, target) if other != method]
        others = ((other, self.table.match(other, context.host, target)) for other in named)
        same = (other for other, found in others if isinstance(found, RouteMatch) and found.route.cors == policy)
        return wanted.route.name, policy, sorted([method, *same])

    def _own_methods(self, target: Target) -> Sequence[str]:
        scope = {"type": "http", "method": "OPTIONS", "path": "/" + "/".join(target.segments), "root_path": ""}
        for route in self.own:
            if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
                return sorted(route.methods or ())
        return ()


async def _send(context: GatewayContext, fields: Fields, send: Send) -> None:
    context.status = 204
    fields.append((b"x-request-id", context.request_id.encode()))
    await send({"type": "http.response.start", "status": 204, "headers": fields})
    await send({"type": "http.response.body", "body": b""})


def _single(context: GatewayContext, name: bytes) -> bytes | None:
    found = [value for other, value in context.headers if other == name]
    return found[0] if len(found) == 1 and _TOKEN.fullmatch(found[0]) else None


def _asked_headers(context: GatewayContext) -> Iterator[bytes]:
    """The header names the browser asks about, each once; what is no name is left out, and `*`, which is all."""
    seen = set[bytes]()
    for name, value in context.headers:
        if name == _ASKED_HEADERS:
            for asked in value.lower().split(b","):
                word = asked.strip()
                if word not in seen and word != b"*" and _TOKEN.fullmatch(word):
                    seen.add(word)
                    yield word
