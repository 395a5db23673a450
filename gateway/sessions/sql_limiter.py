"""Rate limits in SQLite or PostgreSQL: one short transaction for each decision."""

from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.policy.rate import Rate
from gateway.sessions.sql_link import SqlLink
from gateway.sessions.sql_schema import windows
from gateway.sessions.window import Verdict, Window, spans

_PRUNE_EVERY: Final = 256
_PRUNE_ROWS: Final = 1_000


class SqlLimiter:
    """The Limiter over a database, on connections of its own that need not survive a power cut.

    The hosts' clocks decide; where they differ, the one ahead is believed.
    """

    def __init__(self, url: str, *, clock: Clock, timeout: float = 2.0, connections: int = 4) -> None:
        self._clock = clock
        self._link = SqlLink(url, timeout=timeout, connections=connections, durable=False)
        self._taken = 0

    async def open(self) -> None:
        await self._link.open()

    async def close(self) -> None:
        await self._link.close()

    async def take(self, key: str, rate: Rate) -> Verdict:
        self._taken += 1
        try:
            if self._taken % _PRUNE_EVERY == 0:
                await self._link.write(self._prune)
            return await self._link.write(lambda connection: self._take(connection, key, rate))
        except SQLAlchemyError as error:
            # A table that is not there or not ours is no reason to fail a request.
            raise StoreUnavailable("sessions") from error

    async def _take(self, connection: AsyncConnection, key: str, rate: Rate) -> Verdict:
        text = await _locked(connection, key)
        if text is None:
            # Nothing to lock yet: of two who see none, the second waits here and then sees the first one's.
            await self._link.lock_user(connection, key)
            text = await _locked(connection, key)
        window = Window.read(text or "")
        verdict = window.take(rate, self._now())
        if verdict.allowed:
            values = {"admitted": str(window), "purge_at": window.newest + spans(rate)[0]}
            if text is None:
                await connection.execute(insert(windows).values(key=key, **values))
            else:
                await connection.execute(update(windows).where(windows.c.key == key).values(values))
        return verdict

    async def _prune(self, connection: AsyncConnection) -> None:
        due = select(windows.c.key).where(windows.c.purge_at <= self._now())
        some = due.limit(_PRUNE_ROWS).with_for_update(skip_locked=True)
        await connection.execute(delete(windows).where(windows.c.key.in_(some)))

    def _now(self) -> int:
        return round(self._clock.now() * 1000)


async def _locked(connection: AsyncConnection, key: str) -> str | None:
    wanted = select(windows.c.admitted).where(windows.c.key == key).with_for_update()
    text: str | None = (await connection.execute(wanted)).scalar()
    return text
