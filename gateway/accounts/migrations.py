"""The steps that bring a database to the present schema, in order, each applied once.

A step that has been released is never edited: add the next one. Statements are plain SQL that SQLite and
PostgreSQL both understand.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Any number will do, as long as nothing else in a shared database takes the same advisory lock.
_LOCK = 7_230_101


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; `number` orders it and records that it was applied."""

    number: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        1,
        "users",
        (
            """
            CREATE TABLE users (
                user_id TEXT PRIMARY KEY,
                email TEXT NOT NULL,
                email_key TEXT NOT NULL UNIQUE,
                display_name TEXT NOT NULL,
                search_text TEXT NOT NULL,
                role TEXT NOT NULL,
                disabled BOOLEAN NOT NULL,
                epoch INTEGER NOT NULL,
                password_hash TEXT NOT NULL,
                created_at BIGINT NOT NULL
            )
            """,
            "CREATE INDEX users_role ON users (role)",
        ),
    ),
)


async def migrate(connection: AsyncConnection, now: int, steps: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Apply what is missing, inside the write transaction of `connection`.

    Safe when many workers start at once: on SQLite the transaction already holds the write lock; on
    PostgreSQL the advisory lock is taken here, before the first look at what has been applied.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    await connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS account_migrations "
            "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)"
        )
    )
    applied = set(await connection.scalars(text("SELECT number FROM account_migrations")))
    for step in steps:
        if step.number not in applied:
            await _apply(connection, step, now)


async def _apply(connection: AsyncConnection, step: Migration, now: int) -> None:
    for statement in step.statements:
        await connection.execute(text(statement))
    await connection.execute(
        text("INSERT INTO account_migrations (number, name, applied_at) VALUES (:number, :name, :now)"),
        {"number": step.number, "name": step.name, "now": now},
    )
