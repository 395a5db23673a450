"""One request and its answer on an inbound connection: how ASGI messages become HTTP/1.1 bytes."""

import asyncio
import http
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.asgi import EXCHANGE_KEY
from gateway.errors import Refusal
from gateway.reading import Memory
from gateway.writes import Writes

_STATUS_LINE: Final = {
    status: b"HTTP/1.1 %d %s" % (status, phrase)
    for status in range(100, 1000)
    for phrase in [http.HTTPStatus(status).phrase.encode() if status in set(http.HTTPStatus) else b""]
}


class AnswerError(RuntimeError):
    """The application's messages cannot be put on the wire as they are."""


class Signal:
    """What the cycle needs of `asyncio.Event`, for the one task that waits; made for every request."""

    __slots__ = ("_set", "_waiter")

    def __init__(self) -> None:
        self._set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        self._set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        self._set = False

    async def wait(self) -> None:
        while not self._set:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter


class GatewayCycle(RequestResponseCycle):
    """uvicorn's cycle with the answer side of RFC 9110 and 9112 complete.

    Differences: 204 and 304 keep or lose their length as section 8.6 says, HTTP/1.0 is never sent chunks, an
    upstream's Date is not doubled, a broken answer resets the connection instead of ending it as if complete,
    and names arrive in lower case, so each header is copied without being taken apart.
    """

    def __init__(self, protocol: Any, scope: Any, version: str) -> None:
        """For the request whose head `protocol` (a `GatewayProtocol`) has just read into `scope`.

        In place of uvicorn's, whose dozen keyword arguments and event take a twentieth of a request's time.
        """
        self.scope = scope
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.default_headers = protocol.server_state.default_headers
        self.on_response = protocol.on_response_complete
        self.message_event = Signal()  # type: ignore[assignment]
        self.disconnected = False
        # RFC 9110 section 10.1.1: an HTTP/1.0 client is never sent a 100.
        self.waiting_for_100_continue = protocol.expect_100_continue and version != "1.0"
        self.keep_alive = version != "1.0" and protocol.parser.should_keep_alive()
        self.body = bytearray()
        self.more_body = True
        self.response_started = self.response_complete = False
        self.chunked_encoding = None
        self.expected_content_length = 0
        # See `gateway.asgi.Exchange`.
        self.memory: Memory = protocol.memory
        self.writes: Writes = protocol.config.writes
        self.on_departure: Callable[[], object] | None = None
        self.task: asyncio.Task[None] | None = None
        self.draining = False
        self.on_drain: Callable[[], object] | None = None

    def whole_body(self) -> bytes | None:
        """The request body, when all of it is here and nothing of it was taken; else None."""
        if self.more_body:
            return None
        body, self.body = bytes(self.body), bytearray()
        return body

    def departed(self) -> None:
        """The client is gone: wake whoever waits for it."""
        self.disconnected = True
        self.message_event.set()
        if self.on_departure is not None and not self.response_complete:
            self.on_departure()

    def drain(self) -> None:
        """The server is told to stop: tell the application, where it asked to be told."""
        self.draining = True
        if self.on_drain is not None:
            self.on_drain()

    def give_up(self) -> None:
        """There will be no answer: another protocol has taken the connection over, perhaps for days."""
        self.memory.reading = None
        self.response_started = self.response_complete = True
        self.on_response = lambda: None
        self.on_departure = None

    async def run_asgi(self, app: Any) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except Refusal:
            # Raised after the answer had begun: its truncation must be visible (RFC 9112 section 8).
            self.transport.abort()
        except asyncio.CancelledError:
            # The drain is over.
            self.transport.abort()
        except BaseException as error:
            self.logger.error("request failed", exc_info=error)
            self.transport.abort()
        else:
            if not self.response_complete and not self.disconnected:
                self.transport.abort()
        finally:
            # Scope, cycle and task refer to each other: without this each request would wait for the collector.
            self.task = self.on_departure = None
            self.scope.pop(EXCHANGE_KEY, None)  # type: ignore[typeddict-item]

    async def send(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.writes.flush()
        if message["type"] == "http.response.start" and not self.response_started:
            self.transport.write(self._head(message["status"], message.get("headers", ())))
        elif message["type"] == "http.response.body" and self.response_started and not self.response_complete:
            more_body = message.get("more_body", False)
            piece = self._piece(message.get("body", b""), more_body)
            if piece:
                self.transport.write(piece)
            if not more_body:
                self._finish()
        else:
            raise AnswerError(f"unexpected {message['type']}")

    def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """See `gateway.asgi.Exchange`."""
        if self.flow.write_paused or self.disconnected or self.response_started:
            return False
        data = self._head(status, headers) + self._piece(body, more_body=False)
        if self.keep_alive:
            self.writes.write(self.transport, data)
        else:
            self.writes.flush()
            self.transport.write(data)
        self._finish()
        return True

    def _head(self, status: int, headers: Any) -> bytes:
        self.response_started = True
        self.waiting_for_100_continue = False
        self.status = status
        lines = [_STATUS_LINE[status]]
        dated = False
        for name, value in headers:
            if name == b"content-length":
                if status == 204 or status < 200:
                    continue
                self.chunked_encoding = False
                self.expected_content_length = int(value)
            elif name == b"transfer-encoding":
                continue
            elif name == b"connection":
                self.keep_alive = self.keep_alive and b"close" not in value.lower()
                continue
            elif name == b"date":
                dated = True
            lines.append(b"%s: %s" % (name, value))
        if not dated:
            lines.extend(b"%s: %s" % header for header in self.default_headers)
        self._frame(status, lines)
        lines.append(b"\r\n")
        block = b"\r\n".join(lines)
        # RFC 9110 section 5.5: CR, LF and NUL never get into a field, whoever supplied it.
        if block.count(b"\n") != len(lines) or block.count(b"\r") != len(lines) or b"\x00" in block:
            raise AnswerError("a header holds CR, LF or NUL")
        return block

    def _frame(self, status: int, lines: list[bytes]) -> None:
        """Decide how the reader will find the end of the body (RFC 9112 section 6.3)."""
        if self.more_body and status >= 400:
            # Nobody wants the rest of that request: the connection will not be used again (section 9.6).
            self.keep_alive = False
        self.bodiless = self.scope["method"] == "HEAD" or status in (204, 304) or status < 200
        if self.chunked_encoding is None and not self.bodiless:
            if self.scope["http_version"] == "1.0":
                self.keep_alive = False
                self.chunked_encoding = False
                self.expected_content_length = -1
            else:
                self.chunked_encoding = True
                lines.append(b"transfer-encoding: chunked")
        if not self.keep_alive:
            lines.append(b"connection: close")

    def _piece(self, body: bytes, more_body: bool) -> bytes:
        """`body` as it goes out, and the end of the body when there is no more of it."""
        if self.bodiless:
            self.expected_content_length = 0
            return b""
        if self.chunked_encoding:
            chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            return chunk if more_body else chunk + b"0\r\n\r\n"
        if self.expected_content_length >= 0:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0:
                raise AnswerError("the answer is longer than its Content-Length")
            if self.expected_content_length and not more_body:
                raise AnswerError("the answer is shorter than its Content-Length")
        return body

    def _finish(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive and not self.more_body:
            self.transport.close()
        self.on_response()
