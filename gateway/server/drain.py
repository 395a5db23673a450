"""Servers that stop as operators expect: the first signal drains, the second one ends, the exit code is 0."""

import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any

import uvicorn

logger = logging.getLogger("gateway")


class DrainingServer(uvicorn.Server):
    """The public listener of a single-worker gateway. `draining` is true from the first signal on.

    `on_ready` is called once, when connections are accepted.
    """

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], object]) -> None:
        super().__init__(config)
        self.on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        logger.info("%s", drain_notice(self.config))
        await super().shutdown(sockets)

    @property
    def draining(self) -> bool:
        return self.should_exit

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """As uvicorn, but the signal is not raised again afterwards: a finished drain is a success."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {signal.SIGINT: self.handle_exit, signal.SIGTERM: self.handle_exit, signal.SIGHUP: hang_up}
        original: dict[signal.Signals, Any] = {each: signal.signal(each, how) for each, how in handlers.items()}
        try:
            yield
        finally:
            for each, handler in original.items():
                signal.signal(each, handler)
            if self.should_exit:
                ignore_repetition()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


def ignore_repetition() -> None:
    """A second SIGTERM while the interpreter goes down must not turn a finished drain into a death by signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def drain_notice(config: uvicorn.Config) -> str:
    """What is said at the first signal."""
    return f"draining, up to {config.timeout_graceful_shutdown} s; again to stop at once"


def hang_up(_sig: int, _frame: FrameType | None) -> None:
    """A hang-up is no reason to drop connections."""
    logger.info("SIGHUP ignored")


class QuietServer(uvicorn.Server):
    """A listener that lives beside another one and leaves the signals to it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
