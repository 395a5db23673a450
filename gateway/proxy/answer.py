"""One answer of an upstream, read without I/O: bytes in, head and body out.

A new parser for every exchange, so that nothing of one can reach the next. RFC 9112 section 9.2: bytes that
follow a complete answer are never taken for another one; they only make the connection unusable (`surplus`).
"""

from collections import deque
from typing import Final

import httptools

Headers = list[tuple[bytes, bytes]]

_MOST_HEAD_BYTES: Final = 64 * 1024
_MOST_INTERIM: Final = 16
# What may come without a byte of a body: a head as it grows, chunk extensions and the like.
_MOST_BARREN: Final = 64 * 1024


class Answer:
    """`feed` never raises: `fault` says what was wrong with the bytes, `complete` that nothing is missing.

    `head_only`: the answer to a HEAD request has no body whatever its fields say (RFC 9110 section 9.3.2).
    Header names are in lower case; 1xx answers are dropped, because ASGI has no message for them; trailers are
    dropped, so that they can never become headers (RFC 9110 section 6.5.1).
    """

    __slots__ = (
        "_barren",
        "_head_bytes",
        "_head_only",
        "_interim",
        "_interims",
        "_parser",
        "_pieces",
        "_until_close",
        "complete",
        "fault",
        "head_done",
        "headers",
        "held",
        "keep_alive",
        "status",
        "surplus",
    )

    def __init__(self, *, head_only: bool) -> None:
        self.status = 0
        self.headers: Headers = []
        self.held = 0
        self.head_done = self.complete = self.keep_alive = self.surplus = False
        self.fault: str | None = None
        self._head_only = head_only
        self._pieces: deque[bytes] = deque()
        self._head_bytes = self._interims = self._barren = 0
        self._interim = self._until_close = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def begun(self) -> bool:
        """Whether anything of a head has arrived."""
        return self._head_bytes > 0

    @property
    def reusable(self) -> bool:
        """Whether the connection stands where another exchange may begin."""
        return self.complete and self.keep_alive and not self.surplus

    @property
    def whole(self) -> bool:
        """Whether nothing of the answer is missing, so that `take` gives all that is left of it."""
        return self.complete and self.fault is None

    def feed(self, data: bytes) -> None:
        """Take what the upstream sent."""
        if self.complete or self.fault is not None:
            self.surplus = True
            return
        held = self.held
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse("switched protocols unasked")
        except httptools.HttpParserError as error:
            self._refuse(str(error))
        self._head_bytes = self._head_bytes or 1
        if self.held > held or self.complete:
            self._barren = 0
            return
        self._barren += len(data)
        if self._barren > _MOST_BARREN:
            self._refuse("too many bytes for so little")

    def end(self) -> None:
        """The upstream closed the connection in good order: the end of an answer without a length."""
        if self.head_done and self._until_close and self.fault is None:
            self.complete = True
        elif not self.complete:
            self._refuse("closed in the middle of an answer" if self.begun else "closed before an answer")

    def take(self) -> bytes:
        """The bytes of the body that wait; b"" when there are none."""
        pieces = self._pieces
        if not pieces:
            return b""
        data = pieces.popleft() if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.held = 0
        return data

    def close(self) -> None:
        """Nothing is fed any more. Answer and parser refer to each other: the collector must not be needed."""
        del self._parser

    def _refuse(self, why: str) -> None:
        self.surplus = True
        if not self.complete:
            self.fault = self.fault or why

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.complete:
            self.surplus = True

    def on_status(self, status: bytes) -> None:
        self._count(len(status) + 9)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        if not self.head_done:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self.surplus:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200:
            self._skip_interim(status)
            return
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and codings != [b"chunked"]:
            self._refuse("a transfer coding other than chunked")
            return
        self.status = status
        self.keep_alive = self._parser.should_keep_alive() and not self._announces_in_vain(bool(codings))
        self._until_close = not (codings or self._has_length())
        self.head_done = True
        self.complete = self._head_only

    def on_body(self, body: bytes) -> None:
        if self.complete:
            self.surplus = True
        else:
            self._pieces.append(body)
            self.held += len(body)

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = False
        elif self.head_done:
            self.complete = True

    def _skip_interim(self, status: int) -> None:
        self._interim = True
        self._interims += 1
        self.headers = []
        if status == 101 or self._interims > _MOST_INTERIM:
            self._refuse(f"status {status} out of place")

    def _announces_in_vain(self, chunked: bool) -> bool:
        """Whether a body is announced where none may be. A server that sends it all the same may do so too late to
        be seen, and then its bytes would be the next caller's answer (RFC 9112 section 9.2)."""
        if not (self._head_only or self.status in (204, 304)):
            return False
        return chunked or any(name == b"content-length" and value.strip() != b"0" for name, value in self.headers)

    def _has_length(self) -> bool:
        """Whether the end can be told though the body is not chunked (RFC 9112 section 6.3)."""
        if self._head_only or self.status in (204, 304):
            return True
        return any(name == b"content-length" for name, _ in self.headers)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > _MOST_HEAD_BYTES:
            self._refuse("the head is too large")
