"""The client's half of an exchange when all of its request is here already, as it is for almost every request.

No task, no queue: the bytes are at hand, and our server calls when the client leaves (`gateway.asgi.Exchange`).
"""

import asyncio
from types import TracebackType
from typing import Any, Self

from gateway.asgi import Exchange, Send
from gateway.errors import Refusal
from gateway.reasons import Reason


class WholeInbound:
    """As `proxy.inbound.Inbound`: its block ends by cancellation the moment the client leaves; `left` tells."""

    __slots__ = ("_body", "_exchange", "_owner", "left", "size")

    def __init__(self, exchange: Exchange, body: bytes, limit: int | None) -> None:
        if limit is not None and len(body) > limit:
            raise Refusal(Reason.BODY_TOO_LARGE)
        self.left = False
        self.size = len(body)
        self._body = body
        self._exchange = exchange
        self._owner: asyncio.Task[Any] | None = None

    def body(self) -> bytes | None:
        """The body as a whole; None when it is empty and its length was not announced."""
        return self._body

    def answer(self, send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Answer in one write; False when that cannot be, also when a layer wants to see the messages."""
        return send == self._exchange.send and self._exchange.answer(status, headers, body)

    def answered(self) -> None:
        """The answer is complete: nothing that happens now is a departure."""
        self._exchange.on_departure = None

    def __enter__(self) -> Self:
        self._owner = self._exchange.task
        if self._owner is not None:
            self._exchange.on_departure = self._owner.cancel
            if self._exchange.disconnected:
                self._owner.cancel()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._exchange.on_departure = None
        if kind is not asyncio.CancelledError or not self._exchange.disconnected or self._owner is None:
            return False
        self.left = self._owner.uncancel() == 0
        return self.left
