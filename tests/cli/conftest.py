"""Runs `gateway users` on stores of its own."""

import asyncio
from pathlib import Path

import pytest

from gateway.accounts.store import AccountStore
from gateway.clock import SystemClock
from tests.support.users_cli import Users, runner, write_config


@pytest.fixture
def users(tmp_path: Path, sqlite_url: str) -> Users:
    """Runs `gateway users ...` on one SQLite file for accounts and sessions, which is there but empty."""

    async def make() -> None:
        store = AccountStore(sqlite_url, clock=SystemClock())
        await store.open()
        await store.close()

    asyncio.run(make())
    return runner(write_config(tmp_path, sqlite_url, sqlite_url))


@pytest.fixture(params=["sqlite_url", "redis_url"])
def sessions_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    return url
