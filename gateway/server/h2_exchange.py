"""One request and its answer on a stream of an HTTP/2 connection: how ASGI messages become frames."""

import asyncio
import logging
from math import inf
from typing import Any, Final, Protocol

import zttp

from gateway.asgi import ASGIApp, Message, Scope
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal
from gateway.middleware.problem import body_of, headers_of
from gateway.middleware.request_ids import new_request_id
from gateway.reasons import Reason
from gateway.server.cycle import AnswerError

# RFC 9113 section 8.2.2: what belongs to an HTTP/1.1 connection has no place here.
_NOT_HERE: Final = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
_NO_ERROR, _INTERNAL_ERROR, _CANCEL = 0x0, 0x2, 0x8

logger = logging.getLogger("uvicorn.error")


class Link(Protocol):
    """What an exchange needs of its connection."""

    writable: bool

    def flush(self) -> None:
        """Write out the frames that are ready."""
        ...

    def taken(self, size: int) -> None:
        """So many bytes of a request body were taken."""
        ...

    def finished(self, exchange: "H2Exchange") -> None:
        """The exchange is over."""
        ...

    def dated(self) -> list[tuple[bytes, bytes]]:
        """The Date field, for answers that have none."""
        ...


class H2Exchange:
    """`feed`, `end` and `leave` say what the client does; `run` lets the application answer.

    `send` waits while the client's flow-control window holds back what was sent before: of an answer nobody
    reads, one piece is kept.
    """

    def __init__(self, scope: Scope, stream: zttp.Stream, link: Link, *, whole: bool, expects: bool) -> None:
        self.scope = scope
        self.stream = stream
        self.link = link
        self.since = 0.0
        self.stalled = inf
        self.body = bytearray()
        self.more_body = not whole
        self.expects = expects
        self.disconnected = False
        self.started = False
        self.complete = False
        self._told_all = False
        self._bodiless = False
        self._owed = -1
        self._news = asyncio.Event()

    # What the client does.

    def feed(self, data: bytes) -> None:
        """A piece of the request body."""
        self.body += data
        self._news.set()

    def end(self) -> None:
        """The request body is complete. Trailers never become headers (RFC 9110 section 6.5.1)."""
        self.more_body = False
        self._news.set()

    def leave(self) -> None:
        """The client gave up on the stream, or the connection is gone."""
        self.disconnected = True
        self._news.set()

    def wake(self) -> None:
        """The client may have granted more to send."""
        self._news.set()

    # What the application does.

    async def run(self, app: ASGIApp) -> None:
        try:
            await app(self.scope, self.receive, self.send)
        except Refusal:
            # Raised after the answer had begun: its truncation must be visible.
            self._reset(_INTERNAL_ERROR)
        except Exception as error:
            logger.error("request failed after its answer had begun", exc_info=error)
            self._reset(_INTERNAL_ERROR)
        finally:
            if not self.complete:
                self._reset(_INTERNAL_ERROR)
            elif self.more_body:
                # RFC 9113 section 8.1: answered already, and nobody wants the rest of the request.
                self._reset(_NO_ERROR)
            self.link.finished(self)

    async def receive(self) -> Message:
        if self.expects and self.more_body and not (self.disconnected or self.started):
            self.expects = False
            self.stream.send_informational(100)
            self.link.flush()
        while not (self.disconnected or self.complete or self.body or not (self.more_body or self._told_all)):
            await self._wait()
        if self.disconnected or self.complete:
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        self._told_all = not self.more_body
        self.link.taken(len(body))
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Message) -> None:
        if self.disconnected:
            return
        if message["type"] == "http.response.start" and not self.started:
            self._start(message["status"], message.get("headers", ()))
        elif message["type"] == "http.response.body" and self.started and not self.complete:
            await self._continue(message.get("body", b""), message.get("more_body", False))
        else:
            raise AnswerError(f"unexpected {message['type']}")

    def give_up(self) -> None:
        """The client does not take its answer."""
        self._reset(_CANCEL)
        self._news.set()

    def abort(self, reason: Reason) -> None:
        """The request will never be whole: it is refused, and its application sees a disconnect."""
        self.scope["aborted"] = reason
        if not self.started:
            context = self.scope.get(SCOPE_KEY)
            request_id = context.request_id if isinstance(context, GatewayContext) else new_request_id()
            body = body_of(Refusal(reason), request_id)
            self._start(reason.status, headers_of(Refusal(reason), request_id, len(body)))
            self.stream.send_data(body)
            self.stream.end_message()
            self.complete = True
        self._reset(_NO_ERROR if self.complete else _INTERNAL_ERROR)
        self._news.set()

    def _start(self, status: int, headers: Any) -> None:
        self.started = True
        self._bodiless = self.scope["method"] == "HEAD" or status in (204, 304)
        fields = [(name, value) for name, value in headers if name not in _NOT_HERE]
        names = dict(fields)
        if b"date" not in names:
            fields += self.link.dated()
        if b"content-length" in names and not self._bodiless:
            self._owed = int(names[b"content-length"])
        self.stream.send_response(status, [field for field in fields if status != 204 or field[0] != b"content-length"])
        self.link.flush()

    async def _continue(self, body: bytes, more_body: bool) -> None:
        if body and not self._bodiless:
            if 0 <= self._owed < len(body):
                raise AnswerError("the answer is longer than its Content-Length")
            self._owed -= len(body) if self._owed > 0 else 0
            self.stream.send_data(body)
            self.link.flush()
        await self._drained()
        if more_body or self.disconnected:
            return
        if self._owed > 0:
            raise AnswerError("the answer is shorter than its Content-Length")
        self.stream.end_message()
        self.complete = True
        self.link.flush()
        self._news.set()

    async def _drained(self) -> None:
        """Wait until what was sent has left; `stalled` is when it last went on."""
        pending = -1
        while not self.disconnected and (self.stream.pending_bytes or not self.link.writable):
            if pending != self.stream.pending_bytes:
                pending, self.stalled = self.stream.pending_bytes or 0, asyncio.get_running_loop().time()
            await self._wait()
        self.stalled = inf

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _reset(self, code: int) -> None:
        if not self.disconnected:
            self.disconnected = True
            self.stream.reset(code)
            self.link.flush()
