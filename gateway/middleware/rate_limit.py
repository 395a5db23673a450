"""How often a route may be used: refuses with 429 what is too much, and tells callers where they stand."""

import math
from collections.abc import Awaitable, Collection
from typing import Final

from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal
from gateway.middleware.fields import setting_fields
from gateway.policy.address import address_block
from gateway.policy.rate import Counted, RateLimit
from gateway.reasons import Reason
from gateway.sessions.limiter import Limiter, limit_key
from gateway.sessions.window import Verdict

FIELDS: Final = frozenset({b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset"})


class RateLimitMiddleware:
    """Counts the requests of routes that have a limit per one of `counted`; others pass untouched.

    The pipeline has two: addresses and routes are counted before anybody is authenticated, users after.
    """

    def __init__(self, app: ASGIApp, *, limiter: Limiter, counted: Collection[Counted]) -> None:
        self.app = app
        self.limiter = limiter
        self.counted = counted

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        context: GatewayContext = scope[SCOPE_KEY]
        match = context.match
        limit = match.route.rate_limit if match is not None else None
        if limit is None or limit.per not in self.counted:
            return self.app(scope, receive, send)
        return self._count(context, limit, scope, receive, send)

    async def _count(
        self, context: GatewayContext, limit: RateLimit, scope: Scope, receive: Receive, send: Send
    ) -> None:
        verdict = await self.limiter.take(_key(context, limit), limit.rate)
        headers = _headers(verdict)
        if not verdict.allowed:
            raise _refusal(limit, verdict, headers)
        try:
            fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            await self.app(scope, receive, setting_fields(send, fields, FIELDS))
        except Refusal as refusal:
            refusal.headers.update(headers)
            raise


def _key(context: GatewayContext, limit: RateLimit) -> str:
    """Who is counted. A caller whom nobody knows, on a route that counts users, is counted by address."""
    principal = context.principal
    if limit.per is Counted.ROUTE:
        return limit_key("route", context.route_name)
    if limit.per is Counted.USER and principal is not None:
        return limit_key("user", context.route_name, principal.issuer, principal.subject)
    return limit_key("address", context.route_name, address_block(context.client_address))


def _headers(verdict: Verdict) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(verdict.limit),
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(math.ceil(verdict.reset_after)),
    }


def _refusal(limit: RateLimit, verdict: Verdict, headers: dict[str, str]) -> Refusal:
    whose = {Counted.USER: "each user", Counted.ADDRESS: "each address", Counted.ROUTE: "all callers together"}
    wait = max(1, math.ceil(verdict.retry_after))
    detail = f"The limit is {limit.rate} for {whose[limit.per]}; try again in {wait} s"
    return Refusal(Reason.RATE_LIMITED, detail=detail, retry_after=wait, headers=headers)
