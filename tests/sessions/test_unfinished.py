"""Ends of all sessions that fail: finished later, once for each user, without touching newer sessions."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailable
from gateway.sessions.redis_store import RedisSessionStore
from gateway.sessions.sql_store import SqlSessionStore
from gateway.sessions.unfinished import UnfinishedEnds
from tests.support.redis_server import RedisServer
from tests.support.session_stores import new_session

CLOCK = SystemClock()


class Failing(SqlSessionStore):
    """A store that fails to end sessions as long as `fault` says so."""

    fault: Exception | None = None
    asked = 0

    async def end_all(self, user_id: str, *, epoch: int, keep: str | None = None, older_only: bool = False) -> int:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return await super().end_all(user_id, epoch=epoch, keep=keep, older_only=older_only)


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Failing]:
    store = Failing(sqlite_url, access_ttl=600, idle_ttl=600, refresh_grace=10, max_per_user=9, clock=CLOCK)
    await store.open()
    yield store
    await store.close()


async def _until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    for _ in range(round(seconds * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"did not happen within {seconds} s")


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records if record.name == "gateway.sessions"]


async def _fail(ends: UnfinishedEnds, store: Failing, user_id: str, epoch: int) -> None:
    store.fault = StoreUnavailable("sessions")
    with pytest.raises(StoreUnavailable):
        await ends.end_all(user_id, epoch=epoch)


async def test_what_the_store_takes_is_done_at_once(store: Failing) -> None:
    ends = UnfinishedEnds(store)
    await store.create(new_session(CLOCK))
    assert await ends.end_all("u1", epoch=1) == 1
    assert len(ends) == 0


async def test_what_failed_is_finished_when_the_store_is_back(store: Failing, caplog: pytest.LogCaptureFixture) -> None:
    ends = UnfinishedEnds(store, jitter=lambda: 0.0)
    await ends.open()
    await store.create(new_session(CLOCK, "s1"))
    await _fail(ends, store, "u1", 1)
    await _until(lambda: store.asked >= 3)
    assert await store.is_live("u1", "s1")
    store.fault = None
    await _until(lambda: len(ends) == 0)
    assert not await store.is_live("u1", "s1")
    assert _said(caplog) == ["WARNING", "WARNING"]
    await ends.close()


async def test_a_session_that_began_after_the_failure_stays(store: Failing) -> None:
    ends = UnfinishedEnds(store)
    await store.create(new_session(CLOCK, "old", epoch=0))
    await _fail(ends, store, "u1", 1)
    await store.create(new_session(CLOCK, "new", epoch=1))
    store.fault = None
    await ends.close()
    assert [await store.is_live("u1", session_id) for session_id in ("old", "new")] == [False, True]


async def test_of_one_user_only_the_newest_epoch_waits(store: Failing) -> None:
    ends = UnfinishedEnds(store)
    for epoch in (1, 3, 2):
        await store.create(new_session(CLOCK, f"s{epoch}", epoch=epoch))
        await _fail(ends, store, "u1", epoch)
    assert len(ends) == 1
    store.fault = None
    await ends.close()
    assert [await store.is_live("u1", f"s{epoch}") for epoch in (1, 2, 3)] == [False, False, True]


async def test_no_more_than_so_many_users_wait(store: Failing, caplog: pytest.LogCaptureFixture) -> None:
    ends = UnfinishedEnds(store, most=2)
    for user_id in ("u1", "u2", "u3", "u2"):
        await _fail(ends, store, user_id, 1)
    assert len(ends) == 2
    assert _said(caplog) == ["WARNING", "ERROR"]


async def test_one_that_can_never_be_done_does_not_stop_the_others(store: Failing) -> None:
    ends = UnfinishedEnds(store, jitter=lambda: 0.0)
    await ends.open()
    store.fault = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await ends.end_all("u1", epoch=1)
    await _until(lambda: len(ends) == 0)
    await store.create(new_session(CLOCK, "s1"))
    await _fail(ends, store, "u1", 1)
    store.fault = None
    await _until(lambda: len(ends) == 0)
    assert not await store.is_live("u1", "s1")
    await ends.close()


async def test_a_worker_that_stops_tries_once_more_and_says_what_is_left(
    store: Failing, caplog: pytest.LogCaptureFixture
) -> None:
    ends = UnfinishedEnds(store)
    await ends.open()
    await _fail(ends, store, "u1", 1)
    await ends.close()
    assert "1 users could not be ended" in caplog.text
    await ends.close()


async def test_an_end_that_was_cut_short_is_finished_too(own_redis: RedisServer) -> None:
    store = RedisSessionStore(own_redis.url, access_ttl=600, idle_ttl=600, refresh_grace=10, max_per_user=9)
    await store.open()
    ends = UnfinishedEnds(store, jitter=lambda: 0.0)
    await ends.open()
    await store.create(new_session(CLOCK))
    own_redis.pause()
    ending = asyncio.create_task(ends.end_all("u1", epoch=1))
    await asyncio.sleep(0.1)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert len(ends) == 1
    own_redis.resume()
    await _until(lambda: len(ends) == 0)
    assert not await store.is_live("u1", "s1")
    await ends.close()
    await store.close()
