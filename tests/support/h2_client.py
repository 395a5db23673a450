"""A client that sends exactly the HTTP/2 frames it is told to, well-formed or not."""

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from hpack import Decoder

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1

Fields = Sequence[tuple[bytes, bytes]]


@dataclass
class Answer:
    """What came on one stream. `reset` is the error code of a RST_STREAM."""

    status: int = 0
    interim: list[int] = field(default_factory=list)
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    reset: int | None = None

    def all(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key == name]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def block(fields: Fields) -> bytes:
    """A header block of literals without indexing, which carries any bytes as they are."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)


def request(
    target: bytes = b"/public/x", *more: tuple[bytes, bytes], method: bytes = b"GET"
) -> list[tuple[bytes, bytes]]:
    """The fields of an ordinary request."""
    pseudo = [(b":method", method), (b":scheme", b"http"), (b":authority", b"gw.test"), (b":path", target)]
    return [*pseudo, *more]


class H2Client:
    """One connection; every wait is bounded by `timeout` seconds. `window` is the initial one of its streams."""

    def __init__(self, port: int, *, timeout: float = 5.0, window: int = 65_535) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        self.answers: dict[int, Answer] = {}
        self.goaway: int | None = None
        self.pongs = 0
        self.closed = False
        self.granting = True
        self._next = 1
        self._buffer = b""
        self._decoder = Decoder()
        self.send(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, window)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def open(self, fields: Fields, *, end: bool = True) -> int:
        """Send the head of a request; its stream."""
        stream, self._next = self._next, self._next + 2
        self.answers[stream] = Answer()
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(fields)))
        return stream

    def data(self, stream: int, data: bytes, *, end: bool = False) -> None:
        self.send(frame(DATA, END_STREAM if end else 0, stream, data))

    def ask(self, fields: Fields, body: bytes = b"") -> Answer:
        """A whole request and its whole answer."""
        stream = self.open(fields, end=not body)
        if body:
            self.data(stream, body, end=True)
        return self.answer(stream)

    def answer(self, stream: int) -> Answer:
        """Wait until the stream is over, or the connection."""
        found = self.answers[stream]
        while not (found.ended or found.reset is not None) and self.read():
            pass
        return found

    def ended(self) -> bool:
        """Wait until the peer closes; whether it does."""
        while self.read():
            pass
        return self.closed

    def read(self) -> bool:
        """Read once and take what is whole; False at the end."""
        try:
            data = self.sock.recv(65536)
        except ConnectionError:
            data = b""
        self.closed = not data
        self._buffer += data
        while len(self._buffer) >= 9:
            size = int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < 9 + size:
                break
            head, payload = self._buffer[:9], self._buffer[9 : 9 + size]
            self._buffer = self._buffer[9 + size :]
            self._take(head[3], head[4], int.from_bytes(head[5:9], "big"), payload)
        return not self.closed

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        answer = self.answers.get(stream, Answer())
        if kind == HEADERS:
            self._head(answer, payload)
        elif kind == DATA:
            answer.body += payload
            self._grant(stream, len(payload))
        elif kind == RST:
            answer.reset = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        elif kind == PING:
            self.pongs += 1
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            answer.ended = True

    def _grant(self, stream: int, size: int) -> None:
        """Let as much come again as came: on the connection, and on the stream."""
        if size and self.granting:
            more = struct.pack(">I", size)
            self.send(frame(WINDOW, 0, 0, more) + frame(WINDOW, 0, stream, more))

    def _head(self, answer: Answer, payload: bytes) -> None:
        fields = [(_bytes(name), _bytes(value)) for name, value in self._decoder.decode(payload, raw=True)]
        status = int(dict(fields)[b":status"])
        if status < 200:
            answer.interim.append(status)
        else:
            answer.status, answer.fields = status, fields


def _text(value: bytes) -> bytes:
    """A string literal without Huffman coding (RFC 7541 section 5.2)."""
    if len(value) < 127:
        return bytes([len(value)]) + value
    size, octets = len(value) - 127, [127]
    while size >= 128:
        octets.append(size % 128 + 128)
        size //= 128
    return bytes([*octets, size]) + value


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("latin-1")
