"""Epochs that `end_all` remembers, so that a login that began before it comes too late."""

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.sessions.sql_schema import epochs


async def remembered_epoch(connection: AsyncConnection, user_id: str) -> int:
    """The newest epoch remembered for the user; 0 when there is none."""
    wanted = select(epochs.c.epoch).where(epochs.c.user_id == user_id)
    return (await connection.execute(wanted)).scalar() or 0


async def remember_epoch(connection: AsyncConnection, user_id: str, epoch: int, until: int) -> None:
    """Keep the epoch, never an older one, until `until` (ms). The caller holds the user's lock."""
    known = await remembered_epoch(connection, user_id)
    values = {"epoch": max(epoch, known), "purge_at": until}
    mine = epochs.c.user_id == user_id
    changed = await connection.execute(update(epochs).where(mine).values(values))
    if changed.rowcount == 0:
        await connection.execute(insert(epochs).values(user_id=user_id, **values))
