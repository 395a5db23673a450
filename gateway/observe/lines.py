"""Writes log lines beside the event loop: a reader of the log that stalls never stalls a request."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

MOST_WAITING: Final = 50_000
_CLOSING_SECONDS: Final = 2.0

Write = Callable[[str], object]
T = TypeVar("T")


class LineWriter(Generic[T]):
    """Collects lines for `delay` seconds and hands them over together; a thread of its own calls `write`.

    With `MOST_WAITING` lines not yet written, further ones are dropped and counted (`dropped`), and so are
    those that `write` refuses with OSError (full disk, closed pipe). A writer that is not open, as in a
    command line verb, writes each line at once. What is added becomes a line by `form` when it is handed over:
    many in a row take a third of the time of one at a time between other work, and the thread, which would hold
    the interpreter for as long as that takes, has nothing to do but to write.
    """

    def __init__(self, write: Write, *, delay: float, form: Callable[[T], str]) -> None:
        self._write = write
        self._delay = delay
        self._form = form
        self._lines: list[T] = []
        self._full = 0
        self._failed = 0
        self._handed_over = 0
        self._finished = 0
        self._batches: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """How many lines were lost so far."""
        return self._full + self._failed

    async def open(self) -> None:
        """Start the writing thread, a daemon: a log that cannot be written does not hold up the exit."""
        self._thread = threading.Thread(target=self._run, name="gateway-log", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Write what waits, for two seconds at most."""
        self._flush()
        thread, self._thread = self._thread, None
        if thread is not None:
            self._batches.put(None)
            await asyncio.to_thread(thread.join, _CLOSING_SECONDS)

    def add(self, line: T) -> None:
        """Take what becomes one line, with its line end."""
        if self._thread is None:
            self._write_batch(self._form(line), 1)
        elif self._handed_over - self._finished + len(self._lines) >= MOST_WAITING:
            self._full += 1
        else:
            if not self._lines:
                asyncio.get_running_loop().call_later(self._delay, self._flush)
            self._lines.append(line)

    def _flush(self) -> None:
        if self._lines:
            self._handed_over += len(self._lines)
            self._batches.put(("".join(map(self._form, self._lines)), len(self._lines)))
            self._lines = []

    # The thread's side. It alone changes `_finished` and `_failed`, the loop all else, so no lock is needed.

    def _run(self) -> None:
        while (batch := self._batches.get()) is not None:
            self._write_batch(*batch)
            self._finished += batch[1]

    def _write_batch(self, text: str, count: int) -> None:
        try:
            self._write(text)
        except (OSError, ValueError):  # ValueError: the stream was closed.
            self._failed += count
