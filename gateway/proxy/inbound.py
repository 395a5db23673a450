"""The client's half of an exchange: its body, piece by piece, and the news that it has left."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Final, Self

from gateway.asgi import Message, Receive, Send
from gateway.errors import Refusal
from gateway.reasons import Reason

_AHEAD: Final = 64 * 1024


class Inbound:
    """Reads `receive` from a task of its own, at most 64 KiB and one message ahead of who reads the body.

    As a context manager it ends its block, by cancellation, the moment the client leaves: the block then just
    ends, and `left` is True. As an async iterator it gives the body; a body that grows over `limit` bytes
    raises Refusal(BODY_TOO_LARGE). Nothing is asked of the client before the block is entered, so that one
    who waits for 100 (Continue) gets it only after the decision (RFC 9110 section 10.1.1).
    """

    def __init__(self, receive: Receive, limit: int | None) -> None:
        self.left = False
        self.size = 0
        self._receive = receive
        self._limit = limit
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._too_large = False
        self._answered = False
        self._piece: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._owner: asyncio.Task[Any] | None = None
        self._reader: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._owner = asyncio.current_task()
        self._reader = asyncio.create_task(self._read())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._reader is not None:
            self._reader.cancel()
        if not self.left or self._owner is None:
            return False
        return self._owner.uncancel() == 0 and kind is asyncio.CancelledError

    def body(self) -> AsyncIterator[bytes]:
        """The body, as it comes."""
        return self

    def answer(self, send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """Always False: the messages have to be sent one by one."""
        return False

    def answered(self) -> None:
        """The answer is complete: that the server now ends the exchange is no departure."""
        self._answered = True

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                self._leave()
                return
            self._take(message)
            while self._held > _AHEAD:
                self._room = asyncio.get_running_loop().create_future()
                await self._room

    def _take(self, message: Message) -> None:
        body = message.get("body", b"")
        self.size += len(body)
        if self._limit is not None and self.size > self._limit:
            self._too_large = True
        elif body and not self._too_large:
            self._held += len(body)
            self._pieces.append(body)
        if not message.get("more_body", False):
            self._ended = True
        _wake(self._piece)

    def _leave(self) -> None:
        if not self._answered and self._owner is not None:
            self.left = True
            self._owner.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while self._too_large or not self._pieces:
            if self._too_large:
                raise Refusal(Reason.BODY_TOO_LARGE)
            if self._ended:
                raise StopAsyncIteration
            self._piece = asyncio.get_running_loop().create_future()
            await self._piece
        piece = self._pieces.popleft()
        self._held -= len(piece)
        _wake(self._room)
        return piece


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
