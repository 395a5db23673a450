"""Servers that stop as operators expect: the first signal drains, the second one ends, the exit code is 0."""

import contextlib
import logging
import signal
import threading
from collections.abc import Generator
from types import FrameType
from typing import Any

import uvicorn

logger = logging.getLogger("gateway")


class DrainingServer(uvicorn.Server):
    """The public listener of a single-worker gateway. `draining` is true from the first signal on."""

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

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


def hang_up(_sig: int, _frame: FrameType | None) -> None:
    """A hang-up is no reason to drop connections."""
    logger.info("SIGHUP ignored")


class QuietServer(uvicorn.Server):
    """A listener that lives beside another one and leaves the signals to it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
