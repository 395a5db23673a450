"""One WebSocket handshake on its way: to the upstream, and the upstream's answer back."""

import asyncio
from typing import Final

from gateway.asgi import Handshake, Send
from gateway.context import GatewayContext
from gateway.errors import Refusal, UpstreamFailed
from gateway.policy.route import Route
from gateway.proxy.headers import HeaderRules, request_headers, response_headers
from gateway.proxy.transport import Headers, Switch, UpstreamRequest
from gateway.proxy.upstream import Upstream
from gateway.proxy.websocket_pair import Pair
from gateway.proxy.websocket_terms import ClientTerms, UpstreamTerms
from gateway.reasons import Reason

_FRAMING: Final = (b"content-length", b"transfer-encoding")


class Opening:
    """`ask`, then `join` if the upstream has `agreed`, else `refuse`; `close` at the end of it all."""

    def __init__(
        self, context: GatewayContext, route: Route, upstream: Upstream, rules: HeaderRules, *, message_limit: int
    ) -> None:
        self._context = context
        self._route = route
        self._upstream = upstream
        self._rules = rules
        self._client = ClientTerms(context, message_limit=message_limit)
        self._terms = UpstreamTerms(self._client.offer, compress=self._client.compresses, message_limit=message_limit)
        self._answer: Switch | None = None

    async def ask(self) -> Switch:
        """Send the handshake and wait for the answer's head."""
        upstream, forwarding = self._upstream, self._route.forwarding
        if self._context.target is None:
            raise Refusal(Reason.NO_ROUTE)
        target = upstream.target(self._context.target, forwarding)
        fields = request_headers(
            self._rules,
            self._context,
            self._route,
            authority=upstream.endpoint.authority,
            preserve_host=upstream.preserve_host,
        )
        request = UpstreamRequest(
            "GET",
            target,
            _without_framing(fields) + self._terms.request(),
            None,
            forwarding.response_timeout or upstream.response_timeout,
            forwarding.idle_timeout or upstream.idle_timeout,
        )
        self._answer = await upstream.transport.switch(request)
        return self._answer

    def join(self, answer: Switch, handshake: Handshake) -> Pair:
        """Answer the client with 101, and let both connections speak to each other.

        ConnectionError when the client is gone.
        """
        chosen = self._terms.settle(answer.headers, self._upstream.name)
        fields = _without_framing(self._answer_fields(answer)) + self._client.answer(chosen)
        pair = Pair(self._client.frames, self._terms.frames, asyncio.get_running_loop())
        early = answer.leave_to(pair.upstream)
        try:
            handshake.switch(_head_of(b"HTTP/1.1 101 Switching Protocols", fields), pair.client)
        except ConnectionError:
            pair.abort()
            raise
        self._context.status = 101
        if early:
            pair.upstream.data_received(early)
        return pair

    async def refuse(self, answer: Switch, send: Send) -> None:
        """Pass on the answer of an upstream that does not agree."""
        context = self._context
        if not 200 <= answer.status <= 599:
            raise UpstreamFailed(Reason.UPSTREAM_INVALID, self._upstream.name, f"status {answer.status}")
        fields = self._answer_fields(answer)
        context.status = answer.status
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        async for chunk in answer.chunks():
            context.bytes_out += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def close(self) -> None:
        """The upstream's connection is not needed any more, or has ended."""
        if self._answer is not None:
            await self._answer.close()

    def _answer_fields(self, answer: Switch) -> Headers:
        return response_headers(
            self._rules,
            answer.headers,
            status=answer.status,
            request_id=self._context.request_id,
            forwarding=self._route.forwarding,
            upstream=self._upstream.name,
        )


def _without_framing(fields: Headers) -> Headers:
    """A handshake and its 101 have no body (RFC 6455 section 4, RFC 9110 section 15.2)."""
    return [field for field in fields if field[0] not in _FRAMING]


def _head_of(first_line: bytes, fields: Headers) -> bytes:
    return b"\r\n".join([first_line, *(b"%b: %b" % field for field in fields), b"", b""])
