"""Answers without an announced end: they are cut when the authority behind them ends, and event streams also
when the server stops."""

import asyncio
from types import TracebackType
from typing import Any, Final, Self

from gateway.asgi import Exchange, Send
from gateway.context import GatewayContext
from gateway.errors import Refusal
from gateway.proxy.live import Live, Watch
from gateway.proxy.transport import Headers
from gateway.reasons import Reason

# For the last bytes of a stream whose client does not read: then it is broken off.
_LAST_WORDS_SECONDS: Final = 0.5


def is_event_stream(headers: Headers) -> bool:
    """Whether the answer is one of server-sent events (HTML, section 9.2), which ends when it likes."""
    return any(name == b"content-type" and _media_type(value) == b"text/event-stream" for name, value in headers)


def has_no_end(headers: Headers) -> bool:
    """Whether how long the answer lasts is not known beforehand."""
    return all(name != b"content-length" for name, _ in headers)


class Lasting:
    """Its block ends, by cancellation, when the answer may not go on; `finish` then ends the answer.

    An event stream ends as if it were complete, for its reader knows no end and connects again. Anything else is
    broken off, so that nobody takes it for whole.
    """

    __slots__ = ("_context", "_events", "_exchange", "_live", "_owner", "_reason", "_watch", "ended")

    def __init__(self, live: Live, context: GatewayContext, exchange: Exchange | None, *, events: bool) -> None:
        self.ended = False
        self._live = live
        self._context = context
        self._exchange = exchange if events else None
        self._events = events
        self._reason: Reason | None = None
        self._owner: asyncio.Task[Any] | None = None
        self._watch: Watch | None = None

    def __enter__(self) -> Self:
        self._owner = asyncio.current_task()
        self._watch = self._live.watch(self._context, self._cut)
        if self._exchange is not None:
            self._exchange.on_drain = self._end
            if self._exchange.draining:
                self._end()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._live.forget(self._watch)
        if self._exchange is not None:
            self._exchange.on_drain = None
        if not self.ended or self._owner is None:
            return False
        return self._owner.uncancel() == 0 and kind is asyncio.CancelledError

    async def finish(self, send: Send) -> None:
        """Say the last words, if there are any to say; Refusal when the connection must be broken off."""
        self._context.reason = self._reason
        failure = Refusal(self._reason or Reason.OVERLOADED)
        if not self._events:
            raise failure
        try:
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            raise failure from None

    def _cut(self, reason: Reason) -> None:
        self._reason = reason
        self._end()

    def _end(self) -> None:
        if not self.ended and self._owner is not None:
            self.ended = True
            self._owner.cancel()


def _media_type(value: bytes) -> bytes:
    return value.partition(b";")[0].strip().lower()
