"""Sessions in SQLite or PostgreSQL: the pure function decides, one transaction stores and publishes."""

from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import Clock
from gateway.sessions.events import EventBatch, RevocationEvent
from gateway.sessions.family import Family, Lifetimes, Presented
from gateway.sessions.sql_events import SqlEvents
from gateway.sessions.sql_families import FamilyRow, family_of, info_of
from gateway.sessions.sql_link import SqlLink
from gateway.sessions.sql_schema import epochs, families
from gateway.sessions.sql_steps import SqlSteps
from gateway.sessions.store import NewSession, Rotation, SessionInfo


class SqlSessionStore:
    """The SessionStore over a database. Durations in seconds; `timeout` bounds each statement,
    `batch` is the most events read at once.

    The hosts' clocks decide about grace and lifetimes, so they should agree to a second or so.
    """

    def __init__(
        self,
        url: str,
        *,
        access_ttl: float,
        idle_ttl: float,
        refresh_grace: float,
        max_per_user: int,
        clock: Clock,
        timeout: float = 5.0,
        batch: int = 1000,
    ) -> None:
        self._lifetimes = Lifetimes(
            grace=round(refresh_grace * 1000),
            idle=round(idle_ttl * 1000),
            linger=round((access_ttl + 60) * 1000),
        )
        self._clock = clock
        self._link = SqlLink(url, timeout=timeout)
        self._events = SqlEvents(self._link, self._now, batch=batch)
        self._steps = SqlSteps(self._link, self._events, self._lifetimes, max_per_user=max_per_user, now=self._now)

    async def open(self) -> None:
        await self._link.open()

    async def close(self) -> None:
        await self._link.close()

    async def ping(self) -> None:
        await self._link.read(lambda connection: connection.execute(select(1)))

    async def warnings(self) -> list[str]:
        return []

    async def create(self, session: NewSession) -> tuple[str, ...]:
        return await self._link.write(lambda connection: self._steps.create(connection, session))

    async def rotate(self, presented: Presented) -> Rotation:
        transition = await self._link.write(lambda connection: self._steps.rotate(connection, presented))
        family = transition.family
        if family is None or not transition.outcome.has_successor:
            return Rotation(transition.outcome)
        deadline = family.deadline(self._lifetimes.idle)
        return Rotation(transition.outcome, family.rotated_at // 1000, deadline // 1000)

    async def end(self, user_id: str, session_id: str) -> bool:
        return await self._link.write(lambda connection: self._steps.end(connection, user_id, session_id))

    async def end_all(self, user_id: str, *, epoch: int, keep: str | None = None, older_only: bool = False) -> int:
        return await self._link.write(
            lambda connection: self._steps.end_all(connection, user_id, epoch, keep, older_only)
        )

    async def sessions_of(self, user_id: str) -> list[SessionInfo]:
        live = await self._live(user_id)
        live.sort(key=lambda pair: (pair[1].rotated_at, pair[1].session_id), reverse=True)
        return [info_of(row, family.deadline(self._lifetimes.idle)) for row, family in live]

    async def is_live(self, user_id: str, session_id: str) -> bool:
        return bool(await self._live(user_id, session_id))

    async def publish(self, event: RevocationEvent) -> None:
        expires_at = (self._now() + self._lifetimes.linger) // 1000
        stamped = replace(event, expires_at=expires_at)
        await self._link.write(lambda connection: self._events.write(connection, [stamped]))

    async def tail(self) -> EventBatch:
        return await self._events.tail()

    async def events_after(self, cursor: str, wait: float) -> EventBatch:
        return await self._events.after(cursor, wait)

    async def _live(self, user_id: str, session_id: str | None = None) -> list[tuple[FamilyRow, Family]]:
        remembered = select(epochs.c.epoch).where(epochs.c.user_id == user_id).scalar_subquery()
        wanted = select(families).where(
            families.c.user_id == user_id,
            families.c.ended.is_(False),
            families.c.epoch >= func.coalesce(remembered, 0),
        )
        if session_id is not None:
            wanted = wanted.where(families.c.session_id == session_id)

        async def read(connection: AsyncConnection) -> list[FamilyRow]:
            return list((await connection.execute(wanted)).all())

        now = self._now()
        pairs = [(row, family_of(row)) for row in await self._link.read(read)]
        return [(row, family) for row, family in pairs if family and now < family.deadline(self._lifetimes.idle)]

    def _now(self) -> int:
        return round(self._clock.now() * 1000)
