"""A client that sends exactly the bytes it is given."""

import socket
from types import TracebackType
from typing import Self

from tests.support.raw_message import RawMessage, RawReader


class RawClient:
    """One connection to a port on 127.0.0.1; every wait is bounded by `timeout` seconds."""

    def __init__(self, port: int, *, timeout: float = 5.0) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        self.reader = RawReader(self.sock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def response(self, *, to_head: bool = False) -> RawMessage:
        """The next final response; interim ones (1xx) are skipped."""
        while True:
            head = self.reader.until(b"\r\n\r\n")
            if head is None:
                raise ConnectionError("closed without a response")
            status = RawMessage(head).status
            if status >= 200:
                break
        self.reader.buffer = head + b"\r\n\r\n" + self.reader.buffer
        message = self.reader.message(bodiless=to_head or status in (204, 304), response=True)
        if message is None:
            raise ConnectionError("closed without a response")
        return message

    def ask(self, data: bytes) -> RawMessage:
        """Send and read the response."""
        self.send(data)
        return self.response(to_head=data.startswith(b"HEAD "))

    def ended(self) -> bool:
        """Whether the peer closes the connection (waits for it) without another byte."""
        return not self.reader.buffer and not self.reader.more()

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Close with a RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.sock.close()


def ask(port: int, data: bytes) -> RawMessage:
    """One request on a connection of its own."""
    with RawClient(port) as client:
        return client.ask(data)


def get(port: int, target: str = "/", *headers: str) -> RawMessage:
    """A plain GET on a connection of its own."""
    lines = [f"GET {target} HTTP/1.1", "Host: gw.test", *headers, "", ""]
    return ask(port, "\r\n".join(lines).encode("latin-1"))
