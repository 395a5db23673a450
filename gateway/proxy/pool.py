"""The connections to one target: bounded, kept while useful, handed out in constant time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.errors import UpstreamFailed
from gateway.proxy.connection import Connection
from gateway.reasons import Reason

_SWEEP_SECONDS: Final = 0.1

Connect = Callable[[Callable[[Connection], None]], Awaitable[Connection]]


class Pool:
    """At most `limit` connections. When all are in use, `queue` requests wait in order, `patience` seconds each.

    The one used last is handed out first, so that the surplus of a burst grows idle and is closed after
    `keepalive` seconds; a connection serves at most `max_age` seconds, so that address changes are followed.
    """

    def __init__(
        self,
        name: str,
        connect: Connect,
        *,
        limit: int,
        queue: int,
        patience: float,
        keepalive: float,
        max_age: float = 300.0,
    ) -> None:
        self.name = name
        self.limit = limit
        self.queue = queue
        self.patience = patience
        self.keepalive = keepalive
        self.max_age = max_age
        self._connect = connect
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._connecting = 0
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sweep(self._loop)

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in list(self._all):
            connection.abort()
        self._idle.clear()

    @property
    def in_use(self) -> int:
        """Connections that are serving a request, and those being made."""
        return len(self._all) - len(self._idle) + self._connecting

    @property
    def size(self) -> int:
        return len(self._all) + self._connecting

    def take_idle(self) -> Connection | None:
        """A kept connection that was fit a moment ago, without waiting; None when there is none."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return None

    async def acquire(self, *, fresh: bool = False) -> Connection:
        """A connection, waiting for one if need be. `fresh`: one that was just made.

        UpstreamFailed: UPSTREAM_UNREACHABLE, or UPSTREAM_UNAVAILABLE when the queue is full or too slow.
        """
        connection = None if fresh else self.take_idle()
        if connection is not None:
            return connection
        if self.size >= self.limit and not self._drop_idle():
            waited = await self._wait_turn()
            if waited is not None and not waited.closed:
                if not fresh:
                    return waited
                waited.abort()
        return await self._make()

    def release(self, connection: Connection) -> None:
        """Give back a connection whose exchange is over; it is kept if it ended cleanly on both sides."""
        if not connection.end():
            return
        if connection.idle_since - connection.made > self.max_age or self._sweeper is None:
            connection.abort()
        else:
            self._offer(connection)

    def _offer(self, connection: Connection) -> None:
        """To the first that waits, else onto the stack of idle ones."""
        waiter = self._next_waiter()
        if waiter is None:
            self._idle.append(connection)
        else:
            waiter.set_result(connection)

    def _drop_idle(self) -> bool:
        """Make room by closing the connection that has been idle longest; False when none is idle."""
        if not self._idle:
            return False
        connection = self._idle.popleft()
        self._all.discard(connection)
        connection.abort()
        return True

    async def _wait_turn(self) -> Connection | None:
        """A connection that another request gave back, or None: there is room to make one."""
        if self._loop is None or len(self._waiters) >= self.queue:
            raise UpstreamFailed(Reason.UPSTREAM_UNAVAILABLE, self.name, "all connections in use", retry_after=1)
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(self.patience):
                return await waiter
        except TimeoutError:
            raise UpstreamFailed(
                Reason.UPSTREAM_UNAVAILABLE, self.name, "no connection became free", retry_after=1
            ) from None
        except asyncio.CancelledError:
            self._pass_on(waiter)
            raise

    def _pass_on(self, waiter: asyncio.Future[Connection | None]) -> None:
        """A waiter that was served and cancelled at once must not take its connection along."""
        if waiter.done() and not waiter.cancelled():
            connection = waiter.result()
            if connection is None:
                self._room()
            elif not connection.closed:
                self._offer(connection)

    async def _make(self) -> Connection:
        self._connecting += 1
        try:
            connection = await self._connect(self._lost)
        except BaseException:
            self._connecting -= 1
            self._room()
            raise
        self._connecting -= 1
        self._all.add(connection)
        return connection

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection.answer is None and connection in self._idle:
            self._idle.remove(connection)
        self._room()

    def _room(self) -> None:
        """A place is free: the first that waits may make a connection."""
        if self.size < self.limit:
            waiter = self._next_waiter()
            if waiter is not None:
                waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fail waits whose deadline has passed; close what has been idle too long."""
        now = loop.time()
        for connection in list(self._all):
            connection.expire(now)
        while self._idle and now - self._idle[0].idle_since > self.keepalive:
            self._drop_idle()
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep, loop)
