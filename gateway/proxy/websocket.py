"""WebSockets through the gateway: judged and opened like requests, then joined until one side ends."""

from functools import partial
from typing import Final

from gateway.asgi import Exchange, Handshake, Send
from gateway.clock import Clock
from gateway.context import GatewayContext
from gateway.errors import Refusal
from gateway.observe.counters import Counters
from gateway.proxy.headers import HeaderRules
from gateway.proxy.live import Live
from gateway.proxy.upstream import Upstream
from gateway.proxy.websocket_opening import Opening
from gateway.proxy.websocket_pair import Pair
from gateway.proxy.whole import WholeInbound
from gateway.reasons import Reason

_UNAUTHENTICATED: Final = 4401
_FORBIDDEN: Final = 4403


class WebSockets:
    """Serves routes with `websocket: true`. `message_limit`: bytes of a message, in either direction."""

    def __init__(self, rules: HeaderRules, live: Live, counters: Counters, *, clock: Clock, message_limit: int) -> None:
        self._rules = rules
        self._live = live
        self._counters = counters
        self._clock = clock
        self._message_limit = message_limit

    async def serve(
        self, context: GatewayContext, upstream: Upstream, exchange: Exchange, handshake: Handshake, send: Send
    ) -> bool:
        """Lasts as long as the WebSocket; False when the client left before there was an answer.

        Raises Refusal while nothing was answered. A refusal of the upstream's own reaches the client as the HTTP
        answer that it is.
        """
        if context.match is None or not context.match.route.websocket:
            raise Refusal(Reason.NOT_IMPLEMENTED)
        opening = Opening(context, context.match.route, upstream, self._rules, message_limit=self._message_limit)
        inbound = WholeInbound(exchange, b"", None)
        pair: Pair | None = None
        try:
            with inbound:
                pair = await self._open(context, opening, handshake, send)
                inbound.answered()
            if pair is not None:
                await self._last(context, pair)
        except ConnectionError:
            return False
        finally:
            await opening.close()
        return not inbound.left

    async def _open(self, context: GatewayContext, opening: Opening, handshake: Handshake, send: Send) -> Pair | None:
        """None when the upstream did not agree, and the client was told so."""
        asked_at = self._clock.monotonic()
        answer = await opening.ask()
        context.upstream_seconds = self._clock.monotonic() - asked_at
        if answer.switched:
            return opening.join(answer, handshake)
        await opening.refuse(answer, send)
        return None

    async def _last(self, context: GatewayContext, pair: Pair) -> None:
        """Until both connections are gone; what the request said is needed no more, and would take memory."""
        context.headers, context.reading = [], None
        watch = self._live.watch(context, partial(_cut, context, pair))
        self._counters.websockets += 1
        try:
            await pair.done
        finally:
            self._counters.websockets -= 1
            self._live.forget(watch)
            pair.abort()
            context.bytes_in, context.bytes_out = pair.client.received, pair.upstream.received
            pair.part()


def _cut(context: GatewayContext, pair: Pair, reason: Reason) -> None:
    context.reason = reason
    pair.close(_FORBIDDEN if reason.status == 403 else _UNAUTHENTICATED, reason.word)
