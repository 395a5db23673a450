"""One HTTP/1.1 connection to an upstream: an asyncio protocol that carries one exchange at a time."""

import asyncio
import select
from collections.abc import Callable
from math import inf
from typing import Final

from gateway.errors import UpstreamFailed
from gateway.proxy.answer import Answer
from gateway.reasons import Reason
from gateway.writes import Writes

_HIGH: Final = 128 * 1024


class Connection(asyncio.Protocol):
    """Idle, busy (between `begin` and `end`), or closed; a byte that arrives while idle closes it.

    `deadline` and `write_deadline` (loop time) are when the wait under way, for the answer or for room to send,
    fails with 504. The pool looks after them, so that no timer is made for an exchange. Reading pauses while
    more than 128 KiB wait to be taken.
    """

    __slots__ = (
        "_full",
        "_loop",
        "_on_lost",
        "_paused",
        "_poll",
        "_reader",
        "_request_sent",
        "_transport",
        "_writer",
        "_writes",
        "answer",
        "closed",
        "deadline",
        "expired",
        "idle_since",
        "made",
        "name",
        "reused",
        "write_deadline",
    )

    def __init__(
        self,
        name: str,
        loop: asyncio.AbstractEventLoop,
        on_lost: Callable[["Connection"], None],
        writes: Writes | None = None,
    ) -> None:
        self.name = name
        self.made = self.idle_since = loop.time()
        self.answer: Answer | None = None
        self.deadline = self.write_deadline = inf
        self.closed = self.reused = self.expired = False
        self._loop = loop
        self._poll = select.poll()
        self._on_lost = on_lost
        self._writes = writes or Writes()
        self._transport: asyncio.Transport | None = None
        self._full = self._paused = self._request_sent = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    # The exchange, as its owner drives it.

    def begin(self, head: bytes, *, head_only: bool) -> Answer:
        """Start an exchange with the bytes of the request head (and of its body, if it is at hand)."""
        self.answer = answer = Answer(head_only=head_only)
        self.expired = self._request_sent = False
        if self._transport is not None and not self.closed:
            self._writes.write(self._transport, head)
        return answer

    def write(self, data: bytes) -> None:
        """Send more of the request; `drain` tells when the upstream takes more."""
        self._writes.flush()
        if self._transport is not None and not self.closed:
            self._transport.write(data)

    def request_sent(self) -> None:
        """The request is out as a whole."""
        self._request_sent = True

    async def drain(self, patience: float) -> None:
        """Wait until the upstream takes more; UpstreamFailed after `patience` seconds or when it is gone."""
        while self._full and not self.closed and not self.expired:
            self._writer = self._loop.create_future()
            if self.write_deadline is inf:
                self.write_deadline = self._loop.time() + patience
            await self._writer
        self.write_deadline = inf
        if self.closed or self.expired:
            raise self.failure()

    async def head(self, patience: float) -> None:
        """Wait for the head of the answer, at most `patience` seconds."""
        answer = self._under_way()
        while not answer.head_done:
            if answer.fault is not None or self.expired or self.closed:
                raise self.failure()
            if self.deadline is inf:
                self.deadline = self._loop.time() + patience
            await self.news()
        self.deadline = inf

    async def read(self, patience: float) -> bytes:
        """The next bytes of the body, b"" at its end; waits at most `patience` seconds for them."""
        answer = self._under_way()
        while not answer.held:
            if answer.complete:
                return b""
            if answer.fault is not None or self.expired or self.closed:
                raise self.failure()
            if self.deadline is inf:
                self.deadline = self._loop.time() + patience
            await self.news()
        self.deadline = inf
        return self.take()

    def take(self) -> bytes:
        """What waits of the body, without waiting for more."""
        data = self._under_way().take()
        if self._paused and self._transport is not None and not self.closed:
            self._paused = False
            self._transport.resume_reading()
        return data

    def end(self) -> bool:
        """End the exchange; True when both sides ended it cleanly and another may begin, else it is closed."""
        answer, self.answer = self.answer, None
        if answer is not None:
            answer.close()
        self.deadline = self.write_deadline = inf
        if answer is None or not answer.reusable or not self._request_sent or self.closed or self._paused:
            self.abort()
            return False
        self.reused = True
        self.idle_since = self._loop.time()
        return True

    def heard(self) -> bool:
        """Whether the kernel holds bytes (or an end) that the loop has not come to yet.

        Asked before an idle connection is used again: what came unasked must not be read as the next answer.
        """
        return bool(self._poll.poll(0))

    def abort(self) -> None:
        """Close at once: what was not sent is dropped, so that half a request never looks whole."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def expire(self, now: float) -> None:
        """Fail the wait under way when its time has passed."""
        if now >= self.deadline or now >= self.write_deadline:
            self.deadline = self.write_deadline = inf
            self.expired = True
            self.wake()

    def failure(self) -> UpstreamFailed:
        """Why the exchange cannot go on."""
        if self.expired:
            return UpstreamFailed(Reason.UPSTREAM_TIMEOUT, self.name, "no answer in time")
        fault = self.answer.fault if self.answer is not None else None
        return UpstreamFailed(Reason.UPSTREAM_INVALID, self.name, fault or "the connection is closed")

    @property
    def unheard(self) -> bool:
        """Whether the exchange ended, other than by a deadline, and not one byte came back."""
        return self.closed and not self.expired and self.answer is not None and not self.answer.begun

    @property
    def in_trouble(self) -> bool:
        """Whether nothing good can come of the exchange any more."""
        return self.closed or self.expired or (self.answer is not None and self.answer.fault is not None)

    def _under_way(self) -> Answer:
        if self.answer is None:
            raise self.failure()
        return self.answer

    async def news(self) -> None:
        """Wait until something happens on the connection, or `wake` is called."""
        self._reader = self._loop.create_future()
        await self._reader

    def wake(self, _cause: object = None) -> None:
        """Let whoever waits look again."""
        for waiter in (self._reader, self._writer):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self.answer is not None and exc is None:
            self.answer.end()
        self.wake()
        self._on_lost(self)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self.wake()

    def data_received(self, data: bytes) -> None:
        answer = self.answer
        if answer is None:
            self.abort()
            return
        answer.feed(data)
        if answer.held > _HIGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        reader = self._reader
        if reader is not None and not reader.done():
            reader.set_result(None)
