"""The feed between a real store and the view: cold start, news, outages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailable
from gateway.sessions.events import EventBatch, EventKind, RevocationEvent
from gateway.sessions.feed import RevocationFeed
from gateway.sessions.redis_store import RedisSessionStore
from gateway.sessions.revocation import RevocationView
from gateway.sessions.sql_store import SqlSessionStore
from gateway.sessions.store import SessionStore
from tests.support.redis_server import RedisServer
from tests.support.session_stores import make_store, new_session

CLOCK = SystemClock()


@pytest.fixture
def view() -> RevocationView:
    return RevocationView(clock=CLOCK, max_staleness=30)


@pytest.fixture(params=["redis_url", "sqlite_url"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[SessionStore]:
    store = make_store(request.getfixturevalue(request.param), CLOCK)
    await store.open()
    yield store
    await store.close()


async def _until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    for _ in range(round(seconds * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"did not happen within {seconds} s")


async def test_a_cold_start_knows_what_happened_before(store: SessionStore, view: RevocationView) -> None:
    for number in range(120):
        await store.publish(RevocationEvent(EventKind.ROLE_CHANGED, f"u{number}", "admin"))
    await store.create(new_session(CLOCK))
    await store.end("u1", "s1")
    feed = RevocationFeed(store, view)
    await feed.open()
    assert feed.ready
    assert view.session_ended("s1")
    assert view.counts()["roles"] == 120
    assert view.staleness() < 5
    await feed.close()


async def test_news_arrive_within_a_second(store: SessionStore, view: RevocationView) -> None:
    feed = RevocationFeed(store, view)
    await feed.open()
    await store.create(new_session(CLOCK))
    await asyncio.sleep(0.3)
    await store.end("u1", "s1")
    await _until(lambda: view.session_ended("s1"), 1.0)
    await feed.close()


async def test_a_quiet_store_keeps_the_view_fresh(store: SessionStore, view: RevocationView) -> None:
    feed = RevocationFeed(store, view, wait=0.1)
    await feed.open()
    await asyncio.sleep(1.0)
    assert view.staleness() < 0.9
    await feed.close()


async def test_closing_twice_is_fine(store: SessionStore, view: RevocationView) -> None:
    feed = RevocationFeed(store, view)
    await feed.open()
    await feed.close()
    await feed.close()


async def test_nothing_is_missed_while_redis_is_away(own_redis: RedisServer, view: RevocationView) -> None:
    store = _redis(own_redis)
    await store.open()
    feed = RevocationFeed(store, view, wait=0.1)
    await feed.open()
    await store.create(new_session(CLOCK))
    own_redis.pause()
    await asyncio.sleep(1.2)
    assert view.staleness() > 0.5
    own_redis.resume()
    await _until(lambda: view.staleness() < 0.5)
    own_redis.kill()
    await asyncio.sleep(0.3)
    own_redis.start()
    await store.end("u1", "s1")
    await _until(lambda: view.session_ended("s1"))
    await feed.close()
    await store.close()


async def test_a_store_that_is_away_at_the_start_is_waited_for(own_redis: RedisServer, view: RevocationView) -> None:
    store = _redis(own_redis)
    await store.open()
    await store.create(new_session(CLOCK))
    await store.end("u1", "s1")
    own_redis.stop()
    feed = RevocationFeed(store, view, wait=0.1)
    await feed.open()
    assert not feed.ready
    assert view.stale()
    own_redis.start()
    await _until(lambda: feed.ready)
    assert view.session_ended("s1")
    await feed.close()
    await store.close()


async def test_a_redis_that_lost_everything_is_followed_again(tmp_path: Path, own_redis: RedisServer) -> None:
    view = RevocationView(clock=CLOCK, max_staleness=30)
    store = _redis(own_redis)
    await store.open()
    feed = RevocationFeed(store, view, wait=0.1)
    await store.publish(RevocationEvent(EventKind.ROLE_CHANGED, "u1", "admin"))
    await feed.open()
    own_redis.command("FLUSHALL")
    await store.publish(RevocationEvent(EventKind.ROLE_CHANGED, "u2", "admin"))
    await _until(lambda: view.role_in_force("u2") == "admin")
    assert view.role_in_force("u1") == "admin"
    await feed.close()
    await store.close()


async def test_a_reader_that_breaks_is_logged_and_goes_on(
    sqlite_url: str, view: RevocationView, caplog: pytest.LogCaptureFixture
) -> None:
    store = _Breaking(sqlite_url, access_ttl=600, idle_ttl=600, refresh_grace=10, max_per_user=3, clock=CLOCK)
    feed = RevocationFeed(store, view, wait=0, jitter=lambda: 0.0)
    await store.open()
    await feed.open()
    await _until(lambda: "answers again" in caplog.text)
    assert view.disabled("u1")
    assert "reading failed" in caplog.text
    assert "the session store cannot be asked" in caplog.text
    await feed.close()
    await store.close()


def _redis(server: RedisServer) -> RedisSessionStore:
    return RedisSessionStore(server.url, access_ttl=600, idle_ttl=600, refresh_grace=10, max_per_user=3, timeout=0.3)


class _Breaking(SqlSessionStore):
    """A store whose second reading meets a bug and whose third finds the database away."""

    reads = 0

    async def events_after(self, cursor: str, wait: float) -> EventBatch:
        self.reads += 1
        if self.reads == 2:
            raise ZeroDivisionError
        if self.reads == 3:
            raise StoreUnavailable("sessions")
        if self.reads == 4:
            await self.publish(RevocationEvent(EventKind.USER_DISABLED, "u1"))
        return await super().events_after(cursor, wait)
