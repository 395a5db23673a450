"""What a worker does when its supervisor is gone: it leaves too, as if told to stop."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from typing import Final

_POLL_SECONDS: Final = 1.0

logger = logging.getLogger("gateway")


class ParentWatch:
    """Sends this process SIGTERM when `parent` is no longer its parent.

    A supervisor killed with SIGKILL cannot tell its workers; without it nobody replaces, drains or measures
    them, and they would hold the port against the next start.
    """

    def __init__(self, parent: int, *, parent_now: Callable[[], int] = os.getppid, poll: float = _POLL_SECONDS) -> None:
        self.parent = parent
        self._parent_now = parent_now
        self._poll = poll
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="parent-watch")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        # Nothing wakes a process when its parent dies that every system has: it has to look.
        while self._parent_now() == self.parent:  # noqa: ASYNC110
            await asyncio.sleep(self._poll)
        logger.warning("the supervisor is gone; worker %d stops", os.getpid())
        os.kill(os.getpid(), signal.SIGTERM)
