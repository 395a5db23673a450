"""A scripted upstream on raw sockets: counts connections and requests, keeps their exact bytes."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.raw_message import RawMessage, RawReader


class Peer:
    """One accepted connection, as a script sees it."""

    def __init__(self, sock: socket.socket, number: int, seen: list[RawMessage]) -> None:
        self.sock = sock
        self.number = number
        self.reader = RawReader(sock)
        self.served = 0
        self.ended = False
        self._seen = seen

    def request(self) -> RawMessage | None:
        """The next request with its body, noted as a hit; None when the gateway has closed."""
        return self._note(self.reader.message())

    def head(self) -> RawMessage | None:
        """The next request's head only, noted as a hit."""
        return self._note(self.reader.message(bodiless=True))

    def _note(self, message: RawMessage | None) -> RawMessage | None:
        if message is None:
            self.ended = True
        else:
            self.served += 1
            self._seen.append(message)
        return message

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def gone(self) -> None:
        """Wait for the gateway to close; what it still sends is dropped. TimeoutError if it does not."""
        while self.reader.more():
            self.reader.buffer = b""
        self.ended = True

    def close(self) -> None:
        """Close with a FIN: what the gateway sent has been read."""
        self.sock.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Close with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.sock.close()


Script = Callable[[Peer], None]


def ok(body: bytes = b"ok", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A response with a length."""
    fields = [b"HTTP/1.1 " + status, *headers, b"Content-Length: %d" % len(body), b"", b""]
    return b"\r\n".join(fields) + body


def answers(*responses: bytes) -> Script:
    """Answer the nth request of each connection with the nth response, and all later ones with the last."""

    def script(peer: Peer) -> None:
        for response in itertools.chain(responses, itertools.repeat(responses[-1])):
            if peer.request() is None:
                return
            peer.send(response)

    return script


class RawUpstream:
    """Runs `script` for every connection, in a thread of its own; leaving the block closes all of them.

    With `path` it listens on a Unix socket.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        timeout: float = 5.0,
        receive_buffer: int = 0,
        port: int = 0,
        path: Path | None = None,
    ) -> None:
        self.script = answers(ok()) if script is None else script
        self.requests: list[RawMessage] = []
        self.peers: list[Peer] = []
        self.errors: list[BaseException] = []
        self._timeout = timeout
        self._path = path
        self._listener = socket.socket(socket.AF_INET if path is None else socket.AF_UNIX)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(("127.0.0.1", port) if path is None else str(path))
        self._listener.listen(2048)
        self.port: int = self._listener.getsockname()[1] if path is None else 0
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}" if self._path is None else f"unix:{self._path}"

    @property
    def hits(self) -> int:
        """Requests seen."""
        return len(self.requests)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A blocked accept() returns when its socket is shut down, not when it is closed.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for peer in self.peers:
            peer.sock.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(self._timeout)
            peer = Peer(sock, len(self.peers), self.requests)
            self.peers.append(peer)
            self._start(self._run, peer)

    def _run(self, peer: Peer) -> None:
        try:
            self.script(peer)
        except OSError as error:
            self.errors.append(error)
        finally:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_WR)
                peer.sock.close()
