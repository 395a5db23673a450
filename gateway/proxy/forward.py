"""The innermost application: carries an admitted request to its upstream and the answer back."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, TypeVar

from gateway.asgi import EXCHANGE_KEY, Exchange, Receive, Send
from gateway.clock import Clock
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal, UpstreamFailed
from gateway.policy.route import Route
from gateway.policy.target import Target
from gateway.proxy.headers import HeaderRules, request_headers, response_headers
from gateway.proxy.inbound import Inbound
from gateway.proxy.transport import Headers, UpstreamRequest, UpstreamResponse
from gateway.proxy.upstream import Upstream
from gateway.proxy.whole import WholeInbound
from gateway.reasons import Reason

T = TypeVar("T")
# What nginx writes in its log for a client that left before there was an answer; never on a wire.
CLIENT_LEFT: Final = 499
# A tunnel, and an echo of everything the request carries (RFC 9110 sections 9.3.6 and 9.3.8).
_NEVER: Final = frozenset({"CONNECT", "TRACE"})


class Forward:
    """ASGI application for requests whose `GatewayContext` has a match. `body_limit` in bytes, None: none.

    Raises Refusal while nothing has been sent. After that an exception means that the answer is cut short:
    the server must then break the connection off, so that no reader takes it for whole (RFC 9112 section 8).
    When the client leaves, the exchange is cancelled and the call just returns.
    """

    def __init__(
        self, upstreams: Mapping[str, Upstream], rules: HeaderRules, *, clock: Clock, body_limit: int | None
    ) -> None:
        self._upstreams = upstreams
        self._rules = rules
        self._clock = clock
        self._body_limit = body_limit

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        context: GatewayContext = scope[SCOPE_KEY]
        if scope["type"] != "http" or context.method in _NEVER:
            raise Refusal(Reason.NOT_IMPLEMENTED)
        if context.match is None or context.target is None:
            raise Refusal(Reason.NO_ROUTE)
        route = context.match.route
        upstream = self._upstreams[route.upstream]
        context.upstream = upstream.name
        limit = _or_default(route.forwarding.body_limit, self._body_limit)
        length = _body_length(context.headers)
        if limit is not None and length is not None and length > limit:
            raise Refusal(Reason.BODY_TOO_LARGE)
        inbound = _inbound(scope, receive, limit)
        exchange = _Exchange(context, route, upstream, self._rules, self._clock)
        request = exchange.request(context.target, None if length == 0 else inbound.body())
        try:
            with inbound:
                await exchange.run(request, inbound, send)
        finally:
            context.bytes_in = inbound.size
        if inbound.left:
            _note_departure(context, scope.get("aborted"))


class _Exchange:
    """One request on its way to one upstream."""

    __slots__ = ("clock", "context", "route", "rules", "upstream")

    def __init__(
        self, context: GatewayContext, route: Route, upstream: Upstream, rules: HeaderRules, clock: Clock
    ) -> None:
        self.context = context
        self.route = route
        self.upstream = upstream
        self.rules = rules
        self.clock = clock

    def request(self, target: Target, body: AsyncIterator[bytes] | bytes | None) -> UpstreamRequest:
        """What the upstream is sent."""
        upstream, forwarding = self.upstream, self.route.forwarding
        return UpstreamRequest(
            method=self.context.method,
            target=upstream.target(target, forwarding),
            headers=request_headers(
                self.rules,
                self.context,
                self.route,
                authority=upstream.endpoint.authority,
                preserve_host=upstream.preserve_host,
            ),
            body=body,
            response_timeout=_or_default(forwarding.response_timeout, upstream.response_timeout),
            idle_timeout=_or_default(forwarding.idle_timeout, upstream.idle_timeout),
        )

    async def run(self, request: UpstreamRequest, inbound: Inbound | WholeInbound, send: Send) -> None:
        """Send, wait, pass the answer on. The upstream's side is closed whatever happens."""
        context = self.context
        sent_at = self.clock.monotonic()
        response = await self.upstream.transport.send(request)
        try:
            context.upstream_seconds = self.clock.monotonic() - sent_at
            headers = self._answer_headers(response)
            context.status = response.status
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            await _relay(context, response, headers, inbound, send)
        finally:
            await response.close()

    def _answer_headers(self, response: UpstreamResponse) -> Headers:
        # 101 was not asked for (RFC 9110 section 15.2.2), and no status above 599 exists (section 15).
        if not 200 <= response.status <= 599:
            raise UpstreamFailed(Reason.UPSTREAM_INVALID, self.upstream.name, f"status {response.status}")
        return response_headers(
            self.rules,
            response.headers,
            status=response.status,
            request_id=self.context.request_id,
            forwarding=self.route.forwarding,
            upstream=self.upstream.name,
        )


def _inbound(scope: Mapping[str, Any], receive: Receive, limit: int | None) -> Inbound | WholeInbound:
    exchange: Exchange | None = scope.get(EXCHANGE_KEY)
    whole = exchange.whole_body() if exchange is not None else None
    if exchange is None or whole is None:
        return Inbound(receive, limit)
    return WholeInbound(exchange, whole, limit)


async def _relay(
    context: GatewayContext, response: UpstreamResponse, headers: Headers, inbound: Inbound | WholeInbound, send: Send
) -> None:
    """Pass the body on as it comes; `send` waits while the client is slow, and then nothing is read upstream.

    When the length is known the end goes out with the last piece: two writes for most answers, not three.
    """
    left = _body_length(headers) or -1
    last = b""
    async for chunk in response.chunks():
        left -= len(chunk)
        context.bytes_out += len(chunk)
        if left == 0:
            last = chunk
        else:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    inbound.answered()
    await send({"type": "http.response.body", "body": last, "more_body": False})


def _body_length(headers: Headers) -> int | None:
    """0 without a body, None for a body of unknown length (RFC 9112 section 6.3)."""
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            if not value.isdigit():
                raise Refusal(Reason.HEADER_AMBIGUOUS)
            length = int(value)
    return length


def _note_departure(context: GatewayContext, aborted: Reason | None) -> None:
    """`aborted`: why the server gave up on the request (a stalled body), if it did; else the client left."""
    context.reason = aborted
    if not context.status:
        context.status = CLIENT_LEFT if aborted is None else aborted.status


def _or_default(own: T | None, default: T) -> T:
    return default if own is None else own
