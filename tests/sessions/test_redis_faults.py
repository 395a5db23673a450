"""Redis killed, frozen, restarted: nothing acknowledged is lost, everything resumes by itself."""

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter

import pytest

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailable
from gateway.sessions.redis_store import RedisSessionStore
from gateway.sessions.store import Outcome
from tests.support.redis_server import RedisServer
from tests.support.session_stores import new_session, presented

CLOCK = SystemClock()
TIMEOUT = 0.4


@pytest.fixture
async def store(own_redis: RedisServer) -> AsyncIterator[RedisSessionStore]:
    store = RedisSessionStore(
        own_redis.url, access_ttl=600, idle_ttl=600, refresh_grace=10, max_per_user=9, timeout=TIMEOUT
    )
    await store.open()
    yield store
    await store.close()


async def test_a_killed_server_keeps_what_it_acknowledged(own_redis: RedisServer, store: RedisSessionStore) -> None:
    for session_id in ("s1", "s2"):
        await store.create(new_session(CLOCK, session_id))
    await store.rotate(presented(0, "s1"))
    await store.end("u1", "s2")
    own_redis.kill()
    with pytest.raises(StoreUnavailable):
        await store.rotate(presented(1, "s1"))
    own_redis.start()
    assert (await store.rotate(presented(1, "s1"))).outcome is Outcome.ROTATED
    assert (await store.rotate(presented(0, "s2"))).outcome is Outcome.REVOKED
    assert [event.ref for event in (await store.tail()).events] == ["s2"]


async def test_a_frozen_server_is_given_up_in_time(own_redis: RedisServer, store: RedisSessionStore) -> None:
    await store.create(new_session(CLOCK))
    own_redis.pause()
    started = perf_counter()
    calls = [store.rotate(presented(0)) for _ in range(50)]
    answers = await asyncio.gather(*calls, store.ping(), store.events_after("0-0", 0), return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert perf_counter() - started < TIMEOUT * 4
    own_redis.resume()
    # The server may have taken the frozen calls in: this is then their replay.
    assert (await store.rotate(presented(0))).outcome in (Outcome.ROTATED, Outcome.REPLAYED)
    assert (await store.rotate(presented(1))).outcome is Outcome.ROTATED


async def test_a_server_that_is_gone_is_reported_at_once(own_redis: RedisServer, store: RedisSessionStore) -> None:
    own_redis.stop()
    started = perf_counter()
    for call in (store.ping(), store.end("u1", "s1"), store.tail(), store.events_after("0-0", 5)):
        with pytest.raises(StoreUnavailable):
            await call
    assert perf_counter() - started < 4 * TIMEOUT


async def test_a_refresh_survives_a_restart_in_its_midst(own_redis: RedisServer, store: RedisSessionStore) -> None:
    await store.create(new_session(CLOCK))
    own_redis.restart()
    assert (await store.rotate(presented(0))).outcome is Outcome.ROTATED


async def test_a_store_opens_while_the_server_is_away(own_redis: RedisServer) -> None:
    own_redis.stop()
    store = RedisSessionStore(own_redis.url, access_ttl=600, idle_ttl=600, refresh_grace=10, max_per_user=9)
    await store.open()
    with pytest.raises(StoreUnavailable):
        await store.ping()
    own_redis.start()
    await store.ping()
    await store.close()
