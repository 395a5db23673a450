"""How many exchanges an upstream has at a time, and who waits: first come, first served."""

import asyncio
from collections import OrderedDict

from gateway.errors import UpstreamFailed
from gateway.reasons import Reason


class Turns:
    """`limit` turns. When all are taken, at most `queue` wait in order, `patience` seconds each.

    While `free` is positive a turn is taken by lowering it: nobody waits then. A turn that is given back goes to
    the one who has waited longest, never to a newcomer.
    """

    __slots__ = ("_waiters", "free", "limit", "name", "patience", "queue")

    def __init__(self, name: str, *, limit: int, queue: int, patience: float) -> None:
        self.name = name
        self.limit = self.free = limit
        self.queue = queue
        self.patience = patience
        # Ordered, and left from the middle in constant time by those who give up.
        self._waiters: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    @property
    def waiting(self) -> int:
        return len(self._waiters)

    async def wait(self) -> None:
        """Wait for a turn; UpstreamFailed(UPSTREAM_UNAVAILABLE) when the queue is full or too slow."""
        if len(self._waiters) >= self.queue:
            raise self._unavailable("all connections are in use")
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = None
        try:
            async with asyncio.timeout(self.patience):
                await waiter
        except TimeoutError:
            if not _served(waiter):
                raise self._unavailable("no connection became free") from None
        except asyncio.CancelledError:
            if _served(waiter):
                # Served and cancelled at once: the turn is not taken along.
                self.give()
            raise
        finally:
            self._waiters.pop(waiter, None)

    def give(self) -> None:
        """Give a turn back."""
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.done():
                waiter.set_result(None)
                return
        self.free += 1

    def _unavailable(self, why: str) -> UpstreamFailed:
        return UpstreamFailed(Reason.UPSTREAM_UNAVAILABLE, self.name, why, retry_after=1)


def _served(waiter: asyncio.Future[None]) -> bool:
    return waiter.done() and not waiter.cancelled()
