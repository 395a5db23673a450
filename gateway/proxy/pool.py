"""The connections to one target: kept while useful, handed out in constant time."""

import asyncio
from collections import deque
from typing import Final

from gateway.proxy.connection import Connection
from gateway.proxy.dial import Dial
from gateway.writes import Writes

_SWEEP_SECONDS: Final = 0.1


class Pool:
    """How many there may be is the upstream's affair (`Turns`).

    The one used last is handed out first, so that the surplus of a burst grows idle and is closed after
    `keepalive` seconds; a connection serves at most `max_age` seconds, so that address changes are followed.
    """

    def __init__(self, dial: Dial, *, keepalive: float, max_age: float = 60.0) -> None:
        self.keepalive = keepalive
        self.max_age = max_age
        self._dial = dial
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._connecting = 0
        self._sweeper: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writes = Writes()

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
        self._dial.close()

    @property
    def size(self) -> int:
        """All connections, with those being made."""
        return len(self._all) + self._connecting

    @property
    def idle(self) -> int:
        return len(self._idle)

    def take_idle(self) -> Connection | None:
        """A kept connection that was fit a moment ago, without waiting; None when there is none."""
        while self._idle:
            connection = self._idle.pop()
            if connection.closed:
                continue
            if not connection.heard():
                return connection
            connection.abort()
        return None

    async def connect(self) -> Connection:
        """A new connection; UpstreamFailed(UPSTREAM_UNREACHABLE) without one."""
        loop = self._loop or asyncio.get_running_loop()
        self._connecting += 1
        try:
            connection = await self._dial.connect(lambda: Connection(self._dial.name, loop, self._lost, self._writes))
        finally:
            self._connecting -= 1
        if self._sweeper is None:  # The pool was closed meanwhile.
            connection.abort()
        elif not connection.closed:
            self._all.add(connection)
        return connection

    def release(self, connection: Connection) -> None:
        """Give back a connection whose exchange is over; it is kept if it ended cleanly on both sides."""
        if not connection.end():
            return
        if connection.idle_since - connection.made > self.max_age or self._sweeper is None:
            connection.abort()
        else:
            self._idle.append(connection)

    def drop_idle(self) -> bool:
        """Make room by closing the connection that has been idle longest; False when none is idle."""
        if not self._idle:
            return False
        connection = self._idle.popleft()
        self._all.discard(connection)
        connection.abort()
        return True

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection.answer is None and connection in self._idle:
            self._idle.remove(connection)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fail waits whose deadline has passed; close what has been idle too long."""
        now = loop.time()
        for connection in list(self._all):
            connection.expire(now)
        while self._idle and now - self._idle[0].idle_since > self.keepalive:
            self.drop_idle()
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep, loop)
