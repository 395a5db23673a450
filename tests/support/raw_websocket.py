"""WebSocket frames on raw sockets, for either side: exactly what is written is sent, everything is seen."""

import base64
import hashlib
import socket
import struct
from dataclasses import dataclass

from tests.support.raw_message import RawMessage, RawReader
from tests.support.raw_upstream import Peer

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


@dataclass(frozen=True)
class RawFrame:
    """One frame as it was on the wire, unmasked."""

    opcode: int
    data: bytes
    fin: bool = True
    masked: bool = False
    compressed: bool = False


def frame(opcode: int, data: bytes = b"", *, fin: bool = True, mask: bool = True, rsv1: bool = False) -> bytes:
    """The bytes of a frame; a client's are masked (RFC 6455 section 5.1)."""
    first = opcode | (0x80 if fin else 0) | (0x40 if rsv1 else 0)
    bit = 0x80 if mask else 0
    if len(data) < 126:
        head = struct.pack("!BB", first, bit | len(data))
    elif len(data) < 65536:
        head = struct.pack("!BBH", first, bit | 126, len(data))
    else:
        head = struct.pack("!BBQ", first, bit | 127, len(data))
    return head + (b"\0\0\0\0" if mask else b"") + data


def close_frame(code: int, reason: bytes = b"", *, mask: bool = True) -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason, mask=mask)


def read_frame(reader: RawReader) -> RawFrame | None:
    """The next frame; None when the connection has ended."""
    try:
        first, second = _exactly(reader, 2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", _exactly(reader, 2))
        elif length == 127:
            (length,) = struct.unpack("!Q", _exactly(reader, 8))
        mask = _exactly(reader, 4) if second & 0x80 else b""
        data = _exactly(reader, length)
    except EOFError:
        return None
    if mask:
        key = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
        data = (int.from_bytes(data, "big") ^ key).to_bytes(length, "big")
    return RawFrame(first & 0x0F, data, bool(first & 0x80), bool(mask), bool(first & 0x40))


def close_of(found: RawFrame | None) -> tuple[int, bytes] | None:
    """Code and reason of a close frame; 1005 for one without; None when it is none."""
    if found is None or found.opcode != CLOSE:
        return None
    if not found.data:
        return 1005, b""
    return int.from_bytes(found.data[:2], "big"), found.data[2:]


def opening(target: str = "/", *fields: str) -> bytes:
    """A client's opening handshake."""
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: gw.test",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        *fields,
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def accept_for(key: str) -> str:
    """RFC 6455 section 4.2.2, where SHA-1 is no matter of security."""
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode(), usedforsecurity=False)
    return base64.b64encode(digest.digest()).decode()


def agree(request: RawMessage, *fields: str) -> bytes:
    """An upstream's 101."""
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_for((request.one(b'sec-websocket-key') or b'').decode())}",
        *fields,
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def accepted(peer: Peer, *fields: str) -> RawMessage:
    """Take the handshake that comes, and agree."""
    request = peer.head()
    if request is None:
        raise ConnectionError("no handshake came")
    peer.send(agree(request, *fields))
    return request


def until_close(peer: Peer) -> tuple[int, bytes] | None:
    """Read up to the gateway's close frame, answer it, and say what was in it."""
    while (found := read_frame(peer.reader)) is not None:
        if found.opcode == CLOSE:
            peer.send(frame(CLOSE, found.data, mask=False))
            return close_of(found)
    return None


class RawWebSocket:
    """A client on a raw socket; `head` is the answer to its handshake."""

    def __init__(self, port: int, target: str = "/", *fields: str, early: bytes = b"", receive_buffer: int = 0) -> None:
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(8)
        self.sock.connect(("127.0.0.1", port))
        self.reader = RawReader(self.sock)
        self.send(opening(target, *fields) + early)
        self.head = RawMessage(self.reader.until(b"\r\n\r\n") or b"")

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def frame(self) -> RawFrame | None:
        """The next frame; None at the end."""
        return read_frame(self.reader)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Close with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.sock.close()

    def __enter__(self) -> "RawWebSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _exactly(reader: RawReader, size: int) -> bytes:
    data = reader.exactly(size)
    if len(data) < size:
        raise EOFError
    return data
