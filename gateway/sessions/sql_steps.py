"""The steps of the SQL store that write. Each runs inside one transaction that its caller opens and commits.

Locks are taken in one order: the user, then rows by session id, then the events. `create` and `end_all` need
the user's lock because neither would see the rows that the other has not committed yet.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import Refusal
from gateway.reasons import Reason
from gateway.sessions.family import Family, Lifetimes, Presented, Transition, bury, decide_rotation
from gateway.sessions.sql_epochs import remember_epoch, remembered_epoch
from gateway.sessions.sql_events import SqlEvents
from gateway.sessions.sql_families import (
    add,
    advance,
    entomb,
    family_of,
    locked_families,
    locked_family,
    prune,
)
from gateway.sessions.sql_link import SqlLink
from gateway.sessions.sql_schema import families
from gateway.sessions.store import NewSession


class SqlSteps:
    """`now` gives milliseconds since the epoch; it is read after the locks were obtained."""

    def __init__(
        self,
        link: SqlLink,
        events: SqlEvents,
        lifetimes: Lifetimes,
        *,
        max_per_user: int,
        now: Callable[[], int],
    ) -> None:
        self._link = link
        self._events = events
        self._lifetimes = lifetimes
        self._most = max_per_user
        self._now = now

    async def create(self, connection: AsyncConnection, session: NewSession) -> tuple[str, ...]:
        """See SessionStore.create."""
        await self._link.lock_user(connection, session.user_id)
        now = self._now()
        await prune(connection, now)
        if await remembered_epoch(connection, session.user_id) > session.user_epoch:
            raise Refusal(Reason.SESSION_ENDED)
        known = family_of(await locked_family(connection, session.session_id))
        if known is not None and (known.ended or known.user_id != session.user_id):
            raise Refusal(Reason.SESSION_ENDED)
        # A repeated call (the answer was lost) finds the session and leaves it as it is.
        if known is None:
            await add(connection, session, now, self._lifetimes)
        gone = await self._surplus(connection, session, now)
        await self._end(connection, gone, "evicted", now)
        return tuple(family.session_id for family in gone)

    async def rotate(self, connection: AsyncConnection, presented: Presented) -> Transition:
        """See SessionStore.rotate."""
        before = family_of(await locked_family(connection, presented.session_id))
        now = self._now()
        transition = decide_rotation(before, presented, now, self._lifetimes)
        after = transition.family
        if after is not None and after is not before:
            await self._store(connection, after, transition, now)
        return transition

    async def end(self, connection: AsyncConnection, user_id: str, session_id: str) -> bool:
        """See SessionStore.end."""
        family = family_of(await locked_family(connection, session_id))
        if family is None or family.ended or family.user_id != user_id:
            return False
        await self._end(connection, [family], "ended", self._now())
        return True

    async def end_all(
        self, connection: AsyncConnection, user_id: str, epoch: int, keep: str | None, older_only: bool
    ) -> int:
        """See SessionStore.end_all."""
        await self._link.lock_user(connection, user_id)
        now = self._now()
        await remember_epoch(connection, user_id, epoch, now + self._lifetimes.linger)
        known = [family_of(row) for row in await locked_families(connection, user_id)]
        others = [family for family in known if family is not None and family.session_id != keep]
        ending = [family for family in others if not older_only or family.epoch < epoch]
        await self._end(connection, ending, "ended", now)
        kept = (families.c.user_id == user_id) & families.c.ended.is_(False) & (families.c.epoch < epoch)
        await connection.execute(update(families).where(kept).values(epoch=epoch))
        return len(ending)

    async def _surplus(self, connection: AsyncConnection, new: NewSession, now: int) -> list[Family]:
        """The least recently used sessions that have to go for `new`."""
        known = [family_of(row) for row in await locked_families(connection, new.user_id)]
        idle = self._lifetimes.idle
        live = [family for family in known if family is not None and now < family.deadline(idle)]
        others = [family for family in live if family.session_id != new.session_id]
        others.sort(key=lambda family: (family.rotated_at, family.session_id))
        return others[: max(0, len(others) + 1 - self._most)]

    async def _store(self, connection: AsyncConnection, after: Family, transition: Transition, now: int) -> None:
        if transition.event is None:
            await advance(connection, after, self._lifetimes)
            return
        await entomb(connection, [after.session_id], now + self._lifetimes.linger)
        await self._events.write(connection, [transition.event])

    async def _end(self, connection: AsyncConnection, ending: Sequence[Family], why: str, now: int) -> None:
        if not ending:
            return
        buried = [bury(family, why, now, self._lifetimes) for family in ending]
        await entomb(connection, [tomb.session_id for tomb, _ in buried], now + self._lifetimes.linger)
        await self._events.write(connection, [event for _, event in buried])
