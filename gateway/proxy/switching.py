"""Asking an upstream for another protocol: a connection until the answer is known, or a refusal is complete."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

import httptools

from gateway.errors import UpstreamFailed
from gateway.proxy.answer import Answer
from gateway.proxy.transport import Headers
from gateway.reasons import Reason

_MOST_HEAD_BYTES: Final = 64 * 1024
_HIGH: Final = 128 * 1024
_MOST_INTERIM: Final = 16
_BEGINNING: Final = b"HTTP/1."
_SWITCHING: Final = re.compile(rb"HTTP/1\.1 101[ \r]")
_INTERIM: Final = re.compile(rb"HTTP/1\.[01] 1\d\d[ \r]")


class _Fields:
    """What httptools calls for the head of a 101."""

    def __init__(self) -> None:
        self.headers: Headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.rstrip(b" \t")))


class Switching(asyncio.Protocol):
    """Implements `transport.Switch`; any other answer than 101 is an ordinary one."""

    def __init__(self, name: str, timeout: float) -> None:
        self.name = name
        self.timeout = timeout
        self.switched = False
        self.status = 0
        self.headers: Headers = []
        self.on_close: Callable[[], None] | None = None
        self._answer: Answer | None = None
        self._head = b""
        self._interims = 0
        self._transport: asyncio.Transport | None = None
        self._news: asyncio.Future[None] | None = None
        self._fault: str | None = None
        self._paused = False

    async def ask(self, request: bytes, patience: float) -> None:
        """Send the request and wait, at most `patience` seconds, for the head of the answer."""
        if self._transport is not None:
            self._transport.write(request)
        try:
            async with asyncio.timeout(patience):
                while not (self.switched or (self._answer is not None and self._answer.head_done)):
                    await self._wait()
        except TimeoutError:
            raise UpstreamFailed(Reason.UPSTREAM_TIMEOUT, self.name, "no answer in time") from None
        if self._answer is not None:
            self.status, self.headers = self._answer.status, self._answer.headers

    def whole_body(self) -> bytes | None:
        """See `UpstreamResponse.whole_body`."""
        answer = self._answer
        return answer.take() if answer is not None and answer.whole else None

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `UpstreamResponse.chunks`."""
        answer = self._answer
        while answer is not None and (answer.held or not answer.complete):
            try:
                async with asyncio.timeout(self.timeout):
                    while not answer.held and not answer.complete:
                        await self._wait()
            except TimeoutError:
                raise UpstreamFailed(Reason.UPSTREAM_TIMEOUT, self.name, "the answer stalls") from None
            if answer.held:
                yield self._taken(answer)

    def _taken(self, answer: Answer) -> bytes:
        data = answer.take()
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def leave_to(self, successor: asyncio.Protocol) -> bytes:
        """See `Switch.leave_to`."""
        transport, self._transport = self._transport, None
        if transport is None or transport.is_closing():
            raise self._invalid("closed after its answer")
        transport.set_protocol(successor)
        successor.connection_made(transport)
        early, self._head = self._head, b""
        return early

    async def close(self) -> None:
        """See `UpstreamResponse.close`."""
        if self._transport is not None:
            self._transport.abort()
        if self.on_close is not None:
            self.on_close()
            self.on_close = None

    async def _wait(self) -> None:
        fault = self._answer.fault if self._answer is not None else None
        if fault is not None or self._fault is not None:
            raise self._invalid(fault or self._fault or "")
        self._news = asyncio.get_running_loop().create_future()
        await self._news

    def _invalid(self, why: str) -> UpstreamFailed:
        return UpstreamFailed(Reason.UPSTREAM_INVALID, self.name, why)

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and exc is None:
            self._answer.end()
        self._fault = "closed before the answer was complete"
        self._wake()

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self._head += data
            self._look()
        else:
            self._answer.feed(data)
        answer = self._answer
        if answer is not None and answer.held > _HIGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def _look(self) -> None:
        """See what kind of answer has come; interim answers are dropped (RFC 9110 section 15.2)."""
        while not self.switched and self._answer is None and self._fault is None:
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                if len(head) > _MOST_HEAD_BYTES or not head.startswith(_BEGINNING[: len(head)]):
                    self._fault = "no HTTP answer"
                return
            if _SWITCHING.match(head):
                self._switch(head + end, rest)
            elif _INTERIM.match(head) and self._interims < _MOST_INTERIM:
                self._interims += 1
                self._head = rest
            else:
                self._answer = Answer(head_only=False)
                self._answer.feed(self._head)

    def _switch(self, head: bytes, rest: bytes) -> None:
        fields = _Fields()
        try:
            httptools.HttpResponseParser(fields).feed_data(head)
        except httptools.HttpParserUpgrade:
            self.switched, self.status = True, 101
            self.headers, self._head = fields.headers, rest
        except httptools.HttpParserError as error:
            self._fault = str(error)
        else:
            self._fault = "a 101 that does not upgrade"

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
