"""The innermost application: carries an admitted request to its upstream and the answer back."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from gateway.asgi import EXCHANGE_KEY, HANDSHAKE_KEY, Exchange, Receive, Send
from gateway.clock import Clock
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal, UpstreamFailed
from gateway.policy.route import Route
from gateway.proxy.headers import HeaderRules, request_block, request_marks, response_headers
from gateway.proxy.hops import hops_left
from gateway.proxy.inbound import Inbound
from gateway.proxy.lasting import Lasting, has_no_end, is_event_stream
from gateway.proxy.live import Live
from gateway.proxy.transport import Headers, UpstreamRequest, UpstreamResponse
from gateway.proxy.upstream import Upstream
from gateway.proxy.websocket import WebSockets
from gateway.proxy.whole import WholeInbound
from gateway.reasons import Reason

# What nginx writes in its log for a client that left before there was an answer; never on a wire.
CLIENT_LEFT: Final = 499
_SMALL_BODY: Final = 64 * 1024
# A tunnel, and an echo of everything the request carries (RFC 9110 sections 9.3.6 and 9.3.8).
_PATIENT: Final = 24 * 3600.0
_NEVER: Final = frozenset({"CONNECT", "TRACE"})


class Forward:
    """ASGI application for requests whose `GatewayContext` has a match. `body_limit` in bytes, None: none.

    Raises Refusal while nothing has been sent. After that an exception means that the answer is cut short:
    the server must then break the connection off, so that no reader takes it for whole (RFC 9112 section 8).
    When the client leaves, the exchange is cancelled and the call just returns.
    """

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        rules: HeaderRules,
        *,
        clock: Clock,
        body_limit: int | None,
        live: Live,
        websockets: WebSockets,
    ) -> None:
        self._upstreams = upstreams
        self._live = live
        self._websockets = websockets
        self._rules = rules
        self._clock = clock
        self._body_limit = body_limit

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        context: GatewayContext = scope[SCOPE_KEY]
        if scope["type"] != "http" or context.method in _NEVER:
            raise Refusal(Reason.NOT_IMPLEMENTED)
        if context.match is None or context.target is None:
            raise Refusal(Reason.NO_ROUTE)
        if context.method == "OPTIONS" and hops_left(context.headers) == 0:
            await _answer_here(context, send)
            return
        route = context.match.route
        upstream = self._upstreams[route.upstream]
        context.upstream = upstream.name
        if context.offer is not None:
            if not await self._websockets.serve(context, upstream, scope[EXCHANGE_KEY], scope[HANDSHAKE_KEY], send):
                _note_departure(context, None)
            return
        limit = route.forwarding.body_limit
        if limit is None:
            limit = self._body_limit
        length = context.body_length
        if limit is not None and length is not None and length > limit:
            raise Refusal(Reason.BODY_TOO_LARGE)
        inbound = await _inbound(scope, receive, limit, length)
        if inbound is None:
            _note_departure(context, scope.get("aborted"))
            return
        target = upstream.target(context.target, route.forwarding)
        request = self._request(context, route, upstream, target, None if length == 0 else inbound.body())
        try:
            with inbound:
                await self._exchange(context, route, upstream, request, inbound, send, scope.get(EXCHANGE_KEY))
        finally:
            context.bytes_in = inbound.size
        if inbound.left:
            _note_departure(context, scope.get("aborted"))

    def _request(
        self,
        context: GatewayContext,
        route: Route,
        upstream: Upstream,
        target: bytes,
        body: AsyncIterator[bytes] | bytes | None,
    ) -> UpstreamRequest:
        """What the upstream is sent."""
        forwarding = route.forwarding
        block = request_block(self._rules, context, route)
        authority = upstream.endpoint.authority
        if upstream.preserve_host and block.host:
            authority = block.host
        return UpstreamRequest(
            context.method,
            target,
            [(b"host", authority), *request_marks(context, route)],
            body,
            forwarding.response_timeout or upstream.response_timeout,
            forwarding.idle_timeout or upstream.idle_timeout,
            block,
            forwarding.retries,
        )

    async def _exchange(
        self,
        context: GatewayContext,
        route: Route,
        upstream: Upstream,
        request: UpstreamRequest,
        inbound: Inbound | WholeInbound,
        send: Send,
        exchange: Exchange | None,
    ) -> None:
        """Send, wait, pass the answer on. The upstream's side is closed whatever happens."""
        sent_at = self._clock.monotonic()
        response = await upstream.transport.send(request)
        try:
            context.upstream_seconds = self._clock.monotonic() - sent_at
            headers = self._answer_headers(context, route, upstream, response)
            context.status = response.status
            whole = response.whole_body()
            if whole is None or not inbound.answer(send, response.status, headers, whole):
                await send({"type": "http.response.start", "status": response.status, "headers": headers})
                if whole is None and has_no_end(headers):
                    await self._relay_lasting(context, response, headers, inbound, send, exchange)
                else:
                    await _relay(context, response, whole, inbound, send)
            else:
                context.bytes_out = len(whole)
        finally:
            await response.close()

    async def _relay_lasting(
        self,
        context: GatewayContext,
        response: UpstreamResponse,
        headers: Headers,
        inbound: Inbound | WholeInbound,
        send: Send,
        exchange: Exchange | None,
    ) -> None:
        events = is_event_stream(headers)
        if events and context.match is not None and context.match.route.forwarding.idle_timeout is None:
            # Events come when they come. A client that leaves is noticed, and so is an upstream that closes.
            response.timeout = _PATIENT
        lasting = Lasting(self._live, context, exchange, events=events)
        with lasting:
            await _relay(context, response, None, inbound, send)
        if lasting.ended:
            inbound.answered()
            await lasting.finish(send)

    def _answer_headers(
        self, context: GatewayContext, route: Route, upstream: Upstream, response: UpstreamResponse
    ) -> Headers:
        # 101 was not asked for (RFC 9110 section 15.2.2), and no status above 599 exists (section 15).
        if not 200 <= response.status <= 599:
            raise UpstreamFailed(Reason.UPSTREAM_INVALID, upstream.name, f"status {response.status}")
        return response_headers(
            self._rules,
            response.headers,
            status=response.status,
            request_id=context.request_id,
            forwarding=route.forwarding,
            upstream=upstream.name,
        )


async def _inbound(
    scope: Mapping[str, Any], receive: Receive, limit: int | None, length: int | None
) -> Inbound | WholeInbound | None:
    """The client's half. None: it left before its body was here.

    A small body is waited for: what trickles in must not hold a connection to the upstream meanwhile.
    """
    exchange: Exchange | None = scope.get(EXCHANGE_KEY)
    if exchange is None:
        return Inbound(receive, limit)
    whole = exchange.whole_body()
    if whole is None and length is not None and length <= _SMALL_BODY:
        whole = await _gather(receive)
        if whole is None:
            return None
    return Inbound(receive, limit) if whole is None else WholeInbound(exchange, whole, limit)


async def _gather(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


async def _relay(
    context: GatewayContext,
    response: UpstreamResponse,
    whole: bytes | None,
    inbound: Inbound | WholeInbound,
    send: Send,
) -> None:
    """Pass the body on as it comes; `send` waits while the client is slow, and then nothing is read upstream."""
    if whole is None:
        async for chunk in response.chunks():
            context.bytes_out += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    inbound.answered()
    last = whole or b""
    context.bytes_out += len(last)
    await send({"type": "http.response.body", "body": last, "more_body": False})


async def _answer_here(context: GatewayContext, send: Send) -> None:
    """The request was to come no further than this (RFC 9110 section 7.6.2)."""
    context.status = 204
    headers = [(b"x-request-id", context.request_id.encode("latin-1"))]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _note_departure(context: GatewayContext, aborted: Reason | None) -> None:
    """`aborted`: why the server gave up on the request (a stalled body), if it did; else the client left."""
    context.reason = aborted
    if not context.status:
        context.status = CLIENT_LEFT if aborted is None else aborted.status
