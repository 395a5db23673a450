"""HTTP/1.1 messages read from a socket byte by byte, without a library's opinion of them."""

import socket
from dataclasses import dataclass, field


@dataclass
class RawMessage:
    """One message: `head` as it came, without the empty line; `body` without transfer coding.

    `complete` is False when the connection ended before the framing said so.
    """

    head: bytes
    body: bytes = b""
    complete: bool = True
    lines: list[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.head.split(b"\r\n")

    @property
    def start(self) -> bytes:
        return self.lines[0]

    @property
    def status(self) -> int:
        return int(self.start.split(b" ")[1])

    @property
    def target(self) -> bytes:
        return self.start.split(b" ")[1]

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """Names in lower case, values stripped, in order."""
        pairs = (line.partition(b":") for line in self.lines[1:])
        return [(name.lower(), value.strip()) for name, _, value in pairs]

    def all(self, name: bytes) -> list[bytes]:
        """Every value of a field."""
        return [value for key, value in self.fields if key == name]

    def one(self, name: bytes) -> bytes | None:
        """The only value of a field, None without one."""
        values = self.all(name)
        if len(values) > 1:
            raise AssertionError(f"{name!r} occurs {len(values)} times")
        return values[0] if values else None


class RawReader:
    """Takes messages off a socket; what was read too far is kept for the next."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""

    def more(self) -> bool:
        """Read once; False at the end or after a reset."""
        try:
            data = self.sock.recv(65536)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def until(self, mark: bytes) -> bytes | None:
        """What comes before `mark`, which is taken too; None when the connection ends first."""
        while mark not in self.buffer:
            if not self.more():
                return None
        taken, _, self.buffer = self.buffer.partition(mark)
        return taken

    def exactly(self, size: int) -> bytes:
        """`size` bytes, or what there was."""
        pieces, missing = [], size
        while missing:
            if not self.buffer and not self.more():
                break
            piece, self.buffer = self.buffer[:missing], self.buffer[missing:]
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        while self.more():
            pass
        taken, self.buffer = self.buffer, b""
        return taken

    def message(self, *, bodiless: bool = False, response: bool = False) -> RawMessage | None:
        """The next message; None when the connection ends first."""
        head = self.until(b"\r\n\r\n")
        if head is None:
            return None
        message = RawMessage(head)
        length = message.one(b"content-length")
        if bodiless:
            return message
        if message.one(b"transfer-encoding") is not None:
            self._chunks(message)
        elif length is not None:
            message.body = self.exactly(int(length))
            message.complete = len(message.body) == int(length)
        elif response:
            message.body = self.rest()
        return message

    def _chunks(self, message: RawMessage) -> None:
        pieces = []
        while (line := self.until(b"\r\n")) is not None:
            size = int(line.split(b";")[0], 16)
            if size == 0:
                message.complete = self.until(b"\r\n") == b""
                break
            pieces.append(self.exactly(size))
            if self.until(b"\r\n") is None:
                message.complete = False
                break
        else:
            message.complete = False
        message.body = b"".join(pieces)
