"""Every session store, each test on each of them."""

from collections.abc import AsyncIterator

import pytest

from gateway.clock import ManualClock
from gateway.sessions.store import SessionStore
from tests.support.session_stores import make_store


@pytest.fixture(params=["redis", "sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    fixture = {"redis": "redis_url", "sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(store_url: str, clock: ManualClock) -> AsyncIterator[SessionStore]:
    store = make_store(store_url, clock)
    await store.open()
    yield store
    await store.close()
