"""Migrations: applied once and in order, and agreeing with the schema that queries use."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.accounts.database import Database
from gateway.accounts.engines import reading_engine
from gateway.accounts.migrations import MIGRATIONS, Migration, migrate
from gateway.accounts.schema import USERS
from gateway.clock import ManualClock
from gateway.databases import driver_url
from gateway.errors import StoreUnavailable


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, clock=ManualClock(1_800_000_000), patience=5.0)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def engine(database: Database, database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = reading_engine(driver_url(database_url), 5.0)
    yield engine
    await engine.dispose()


async def applied(engine: AsyncEngine) -> list[tuple[int, int]]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT number, applied_at FROM account_migrations ORDER BY 1"))
        return [(row.number, row.applied_at) for row in rows]


async def test_migrations_make_the_table_that_queries_use(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        columns = await connection.run_sync(lambda sync: inspect(sync).get_columns("users"))
        key = await connection.run_sync(lambda sync: inspect(sync).get_pk_constraint("users"))
        unique = await connection.run_sync(lambda sync: inspect(sync).get_unique_constraints("users"))
    made = {column["name"]: type(column["type"])._type_affinity for column in columns}
    assert made == {column.name: type(column.type)._type_affinity for column in USERS.columns}
    assert key["constrained_columns"] == ["user_id"]
    assert [constraint["column_names"] for constraint in unique] == [["email_key"]]


async def test_each_step_is_applied_once(database: Database, engine: AsyncEngine) -> None:
    await database.write(lambda connection: migrate(connection, 1_900_000_000))
    assert await applied(engine) == [(step.number, 1_800_000_000) for step in MIGRATIONS]


async def test_a_later_step_is_added_to_what_is_there(database: Database, engine: AsyncEngine) -> None:
    later = Migration(1000, "notes", ("ALTER TABLE users ADD COLUMN note TEXT", "CREATE INDEX n ON users (note)"))
    await database.write(lambda connection: migrate(connection, 1_900_000_000, (*MIGRATIONS, later)))
    assert (await applied(engine))[-1] == (1000, 1_900_000_000)


async def test_a_step_that_fails_leaves_nothing_behind(database: Database, engine: AsyncEngine) -> None:
    broken = Migration(1000, "broken", ("ALTER TABLE users ADD COLUMN note TEXT", "CREATE nonsense"))
    with pytest.raises(StoreUnavailable):
        await database.write(lambda connection: migrate(connection, 1_900_000_000, (*MIGRATIONS, broken)))
    async with engine.connect() as connection:
        columns = await connection.run_sync(lambda sync: inspect(sync).get_columns("users"))
    assert "note" not in {column["name"] for column in columns}
    assert [number for number, _ in await applied(engine)] == [step.number for step in MIGRATIONS]


def test_steps_are_numbered_in_order() -> None:
    assert [step.number for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
