"""Ends of all sessions of a user that the store could not be told of: told to it again until it takes them.

Meanwhile the epoch in the accounts database refuses every refresh of those sessions; what goes on until then is
their access tokens. A worker that dies takes its list along.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress

from gateway.errors import StoreUnavailable
from gateway.sessions.store import SessionStore

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

log = logging.getLogger("gateway.sessions")


class UnfinishedEnds:
    """`most` bounds how many users wait; of each only the newest epoch matters."""

    def __init__(self, store: SessionStore, *, most: int = 10_000, jitter: Callable[[], float] | None = None) -> None:
        self._store = store
        self._most = most
        self._jitter = jitter or secrets.SystemRandom().random
        self._waiting: dict[str, int] = {}
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    async def open(self) -> None:
        self._task = asyncio.create_task(self._run(), name="unfinished-ends")

    async def close(self) -> None:
        """One last attempt; what is left then is left to the epoch."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._waiting and not await self._retry():
            log.warning("sessions of %d users could not be ended before the worker stopped", len(self._waiting))

    async def end_all(self, user_id: str, *, epoch: int) -> int:
        """As `SessionStore.end_all`. What fails, or is cut short, is raised, and finished later."""
        try:
            return await self._store.end_all(user_id, epoch=epoch)
        except BaseException:
            self._remember(user_id, epoch)
            raise

    def _remember(self, user_id: str, epoch: int) -> None:
        if user_id not in self._waiting and len(self._waiting) >= self._most:
            log.error("more than %d users wait for the end of their sessions: one is left to the epoch", self._most)
            return
        if not self._waiting:
            log.warning("the session store did not end the sessions of a user: it is told again until it does")
        self._waiting[user_id] = max(epoch, self._waiting.get(user_id, 0))
        self._some.set()

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._some.wait()
            await asyncio.sleep(self._pause(failures))
            failures = 0 if await self._retry() else failures + 1

    async def _retry(self) -> bool:
        """Whether nothing is left. A store that is away is asked once, not once for each user."""
        for user_id, epoch in list(self._waiting.items()):
            try:
                await self._store.end_all(user_id, epoch=epoch, older_only=True)
            except StoreUnavailable:
                return False
            except Exception:
                # One that can never be done must not stand in the way of the others, nor be tried for ever.
                log.exception("the sessions of a user cannot be ended: they are left to the epoch")
            if self._waiting.get(user_id) == epoch:
                del self._waiting[user_id]
        if self._waiting:
            return False
        self._some.clear()
        log.warning("no user waits for the end of their sessions any more")
        return True

    def _pause(self, failures: int) -> float:
        longest: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 10))
        return longest * (0.5 + self._jitter() / 2)
