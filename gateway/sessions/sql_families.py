"""Rows of the family table and the pure `Family`, one into the other."""

from collections.abc import Sequence

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.sessions.family import Family, Lifetimes
from gateway.sessions.sql_schema import epochs, events, families
from gateway.sessions.store import NewSession, SessionInfo

FamilyRow = Row[tuple[object, ...]]
_PRUNE = 50


async def locked_family(connection: AsyncConnection, session_id: str) -> FamilyRow | None:
    """The row of one session, kept from other writers until the transaction ends."""
    wanted = select(families).where(families.c.session_id == session_id).with_for_update()
    return (await connection.execute(wanted)).first()


async def locked_families(connection: AsyncConnection, user_id: str) -> Sequence[FamilyRow]:
    """All sessions of the user that are not ended, in one order for all lockers."""
    wanted = select(families).where(families.c.user_id == user_id, families.c.ended.is_(False))
    return (await connection.execute(wanted.order_by(families.c.session_id).with_for_update())).all()


async def add(connection: AsyncConnection, session: NewSession, now: int, lifetimes: Lifetimes) -> None:
    """Store generation 0 of a session."""
    deadline = min(session.expires_at * 1000, now + lifetimes.idle)
    values = {
        "session_id": session.session_id,
        "user_id": session.user_id,
        "generation": 0,
        "current": session.token_hash,
        "previous": "",
        "rotated_at": now,
        "created_at": session.created_at * 1000,
        "expires_at": session.expires_at * 1000,
        "epoch": session.user_epoch,
        "ended": False,
        "agent": session.agent,
        "address": session.address,
        "purge_at": max(now, deadline) + lifetimes.linger,
    }
    await connection.execute(insert(families).values(values))


async def advance(connection: AsyncConnection, family: Family, lifetimes: Lifetimes) -> None:
    """Store what a rotation changed."""
    values = {
        "generation": family.generation,
        "current": family.current,
        "previous": family.previous,
        "rotated_at": family.rotated_at,
        "purge_at": family.deadline(lifetimes.idle) + lifetimes.linger,
    }
    mine = families.c.session_id == family.session_id
    await connection.execute(update(families).where(mine).values(values))


async def entomb(connection: AsyncConnection, session_ids: Sequence[str], until: int) -> None:
    """Mark sessions as ended; `until` (ms) is when the last access token of them has expired."""
    chosen = families.c.session_id.in_(session_ids)
    await connection.execute(update(families).where(chosen).values(ended=True, purge_at=until))


def family_of(row: FamilyRow | None) -> Family | None:
    """The pure view of a row."""
    if row is None:
        return None
    return Family(
        user_id=row.user_id,
        session_id=row.session_id,
        generation=row.generation,
        current=row.current,
        previous=row.previous,
        rotated_at=row.rotated_at,
        expires_at=row.expires_at,
        epoch=row.epoch,
        ended=row.ended,
    )


def info_of(row: FamilyRow, deadline: int) -> SessionInfo:
    """What the owner sees."""
    return SessionInfo(
        session_id=row.session_id,
        user_id=row.user_id,
        created_at=row.created_at // 1000,
        last_used_at=row.rotated_at // 1000,
        expires_at=deadline // 1000,
        agent=row.agent,
        address=row.address,
    )


async def prune(connection: AsyncConnection, now: int) -> None:
    """Delete some of what has expired. Rows that another transaction holds are left to the next call."""
    for table, key, due in (
        (families, families.c.session_id, families.c.purge_at <= now),
        (epochs, epochs.c.user_id, epochs.c.purge_at <= now),
        (events, events.c.id, events.c.expires_at_s <= now // 1000),
    ):
        some = select(key).where(due).limit(_PRUNE).with_for_update(skip_locked=True)
        await connection.execute(delete(table).where(key.in_(some)))
