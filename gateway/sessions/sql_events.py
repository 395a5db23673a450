"""The event table: written inside the transactions that cause events, read by polling."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.sessions.events import EventBatch, EventKind, RevocationEvent
from gateway.sessions.sql_link import SqlLink
from gateway.sessions.sql_schema import events

_POLL_SECONDS = 0.2
_START = "0"
_KINDS = frozenset(kind.value for kind in EventKind)


class SqlEvents:
    """`now` gives milliseconds since the epoch."""

    def __init__(self, link: SqlLink, now: Callable[[], int], *, batch: int) -> None:
        self._link = link
        self._now = now
        self._count = batch

    async def write(self, connection: AsyncConnection, new: Sequence[RevocationEvent]) -> None:
        """Add events as the last thing in a transaction. Expiry never goes back from one event to the next,
        whatever the clocks of the hosts say: readers tell older from newer by it.
        """
        if not new:
            return
        await self._link.lock_events(connection)
        newest = select(events.c.expires_at_s).order_by(events.c.id.desc()).limit(1)
        floor = (await connection.execute(newest)).scalar() or 0
        rows = [_values(replace(event, expires_at=max(event.expires_at, floor))) for event in new]
        await connection.execute(insert(events), rows)

    async def tail(self) -> EventBatch:
        """See SessionStore.tail."""
        return await self._link.read(self._tail)

    async def after(self, cursor: str, wait: float) -> EventBatch:
        """See SessionStore.events_after."""
        polls = round(wait / _POLL_SECONDS)
        batch = await self._next(cursor)
        while not batch.events and batch.cursor == cursor and polls > 0:
            await asyncio.sleep(_POLL_SECONDS)
            batch = await self._next(cursor)
            polls -= 1
        return batch

    async def _next(self, cursor: str) -> EventBatch:
        newer = select(events).where(events.c.id > int(cursor)).order_by(events.c.id).limit(self._count)

        async def read(connection: AsyncConnection) -> EventBatch:
            rows = (await connection.execute(newer)).all()
            if rows:
                return _batch(rows)
            # A database restored from a backup gives ids again that were read before.
            behind = await _newest(connection) < int(cursor)
            return await self._tail(connection) if behind else EventBatch((), cursor)

        return await self._link.read(read)

    async def _tail(self, connection: AsyncConnection) -> EventBatch:
        live = select(events).where(events.c.expires_at_s > self._now() // 1000)
        rows = (await connection.execute(live.order_by(events.c.id).limit(self._count))).all()
        return _batch(rows) if rows else EventBatch((), str(await _newest(connection)))


async def _newest(connection: AsyncConnection) -> int:
    return (await connection.execute(select(func.max(events.c.id)))).scalar() or int(_START)


def _values(event: RevocationEvent) -> dict[str, object]:
    return {
        "kind": event.kind.value,
        "ref": event.ref,
        "value": event.value,
        "expires_at_s": event.expires_at,
    }


def _batch(rows: Sequence[Row[tuple[object, ...]]]) -> EventBatch:
    found = (
        RevocationEvent(EventKind(row.kind), row.ref, row.value, row.expires_at_s)
        for row in rows
        # A newer gateway on the same database may write kinds that this one does not know.
        if row.kind in _KINDS
    )
    return EventBatch(tuple(found), str(rows[-1].id))
