"""Keeps a revocation view current: one task that reads the store's events for as long as the worker lives."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress

from gateway.errors import StoreUnavailable
from gateway.sessions.events import EventBatch
from gateway.sessions.revocation import RevocationView
from gateway.sessions.store import SessionStore

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

log = logging.getLogger("gateway.sessions")


class RevocationFeed:
    """Reads from the tail once, then from a cursor that survives failures, so nothing is missed.

    `wait` is how long one read waits for news: the view is at most that stale while all is well.
    """

    def __init__(
        self,
        store: SessionStore,
        view: RevocationView,
        *,
        wait: float = 0.5,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._view = view
        self._wait = wait
        self._jitter = jitter or secrets.SystemRandom().random
        self._cursor: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = False

    @property
    def ready(self) -> bool:
        """Whether the view was complete at least once; from then on its staleness tells."""
        return self._ready

    async def open(self) -> None:
        """Catch up, then go on in the background; with the store away, catching up happens there too."""
        with suppress(StoreUnavailable):
            await self._read(0)
        self._task = asyncio.create_task(self._run(), name="revocation-feed")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._read(self._wait)
            except StoreUnavailable as error:
                failures += 1
                if failures == 1:
                    log.warning("revocation feed: the session store %s", error.why)
                await asyncio.sleep(self._pause(failures))
            except Exception:
                # A feed that ended silently would turn into refusals half a minute later, for good.
                log.exception("revocation feed: reading failed")
                await asyncio.sleep(_LONGEST_PAUSE)
            else:
                if failures:
                    log.warning("revocation feed: the session store answers again")
                failures = 0

    async def _read(self, wait: float) -> None:
        """Read until the store has nothing more, waiting only for the first news."""
        if self._cursor is None:
            self._apply(await self._store.tail())
            wait = 0
        batch = await self._next(wait)
        while batch.events:
            batch = await self._next(0)
        self._view.heard()
        self._ready = True

    async def _next(self, wait: float) -> EventBatch:
        batch = await self._store.events_after(self._cursor or "", wait)
        self._apply(batch)
        return batch

    def _apply(self, batch: EventBatch) -> None:
        for event in batch.events:
            self._view.apply(event)
        self._cursor = batch.cursor

    def _pause(self, failures: int) -> float:
        longest: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 10))
        return longest * (0.5 + self._jitter() / 2)
