"""What is special about Redis: memory, time to live, scripts, settings, errors."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailable
from gateway.sessions.events import EventKind, RevocationEvent
from gateway.sessions.redis_store import RedisSessionStore
from gateway.sessions.store import Outcome
from tests.support.redis_server import RedisServer
from tests.support.session_stores import new_session, presented

CLOCK = SystemClock()
UUID_LENGTH = "0b0e7c0e-6f51-4b5e-9d0a-1f1f8a2f6c11"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36"
)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


def _store(url: str, *, access_ttl: float = 1800, timeout: float = 2.0) -> RedisSessionStore:
    return RedisSessionStore(
        url, access_ttl=access_ttl, idle_ttl=600, refresh_grace=10, max_per_user=3, timeout=timeout
    )


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisSessionStore]:
    store = _store(redis_url)
    await store.open()
    yield store
    await store.close()


async def test_a_session_stays_small_however_often_it_rotates(store: RedisSessionStore, client: Redis) -> None:
    await store.create(new_session(CLOCK, UUID_LENGTH, UUID_LENGTH, agent=CHROME))
    for generation in range(50):
        rotation = await store.rotate(presented(generation, UUID_LENGTH, UUID_LENGTH))
        assert rotation.outcome is Outcome.ROTATED
    family = await client.memory_usage(f"gw:{{0}}:f:{UUID_LENGTH}")
    index = await client.memory_usage(f"gw:{{0}}:u:{UUID_LENGTH}")
    assert family is not None
    assert index is not None
    assert family + index < 700
    assert await client.dbsize() == 2


async def test_every_key_has_an_end(store: RedisSessionStore, client: Redis) -> None:
    await store.create(new_session(CLOCK, "s1"))
    await store.create(new_session(CLOCK, "s2"))
    await store.rotate(presented(0, "s1"))
    await store.end_all("u1", epoch=1, keep="s1")
    keys: list[Any] = await client.keys("*")
    lives = {key.decode(): await client.ttl(key) for key in keys}
    assert set(lives) == {
        "gw:{0}:f:s1",
        "gw:{0}:f:s2",
        "gw:{0}:u:u1",
        "gw:{0}:e:u1",
        "gw:{0}:events",
    }
    assert all(0 < life <= 600 + 1860 for life in lives.values())
    assert lives["gw:{0}:f:s2"] <= 1860


async def test_the_index_holds_live_sessions_only(store: RedisSessionStore, client: Redis) -> None:
    for session_id in ("s1", "s2", "s3", "s4"):
        await store.create(new_session(CLOCK, session_id))
    await store.end("u1", "s3")
    assert await client.zrange("gw:{0}:u:u1", 0, -1) == [b"s2", b"s4"]


async def test_a_tombstone_and_its_event_go_away_together(redis_url: str, client: Redis) -> None:
    store = _store(redis_url, access_ttl=-59.8)
    await store.open()
    await store.create(new_session(CLOCK))
    await store.end("u1", "s1")
    assert (await store.rotate(presented(0))).outcome is Outcome.REVOKED
    async with client.pipeline() as pipeline:
        pipeline.pttl("gw:{0}:f:s1")
        pipeline.pttl("gw:{0}:events")
        assert all(0 < life <= 200 for life in await pipeline.execute())
    await store.close()


async def test_the_stream_is_trimmed_as_it_grows(redis_url: str, client: Redis) -> None:
    store = _store(redis_url, access_ttl=-59.9)
    await store.open()
    for number in range(1000):
        await store.publish(RevocationEvent(EventKind.USER_DISABLED, f"u{number}"))
    assert await client.xlen("gw:{0}:events") < 1000
    await store.close()


async def test_an_emptied_script_cache_is_filled_again(store: RedisSessionStore, client: Redis) -> None:
    await store.create(new_session(CLOCK))
    await client.script_flush()
    assert (await store.rotate(presented(0))).outcome is Outcome.ROTATED
    assert (await store.rotate(presented(1))).outcome is Outcome.ROTATED


async def test_events_of_a_newer_gateway_are_passed_over(store: RedisSessionStore, client: Redis) -> None:
    await client.xadd("gw:{0}:events", {"k": "planet-moved", "r": "pluto", "v": "", "x": "1"})
    await store.publish(RevocationEvent(EventKind.USER_DISABLED, "u1"))
    assert [event.ref for event in (await store.tail()).events] == ["u1"]


async def test_a_server_that_takes_no_writes_is_unavailable(store: RedisSessionStore, client: Redis) -> None:
    await store.create(new_session(CLOCK))
    await client.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(StoreUnavailable) as unavailable:
            await store.rotate(presented(0))
    finally:
        await client.replicaof("NO", "ONE")
    assert unavailable.value.store == "sessions"
    assert (await store.rotate(presented(0))).outcome is Outcome.ROTATED


async def test_a_full_server_is_unavailable_and_loses_nothing(own_redis: RedisServer) -> None:
    store = _store(own_redis.url)
    await store.open()
    await store.create(new_session(CLOCK))
    own_redis.command("CONFIG SET maxmemory 1")
    with pytest.raises(StoreUnavailable):
        await store.rotate(presented(0))
    own_redis.command("CONFIG SET maxmemory 0")
    assert (await store.rotate(presented(0))).outcome is Outcome.ROTATED
    await store.close()


async def test_a_server_that_takes_no_writes_does_not_answer_a_ping(own_redis: RedisServer) -> None:
    store = _store(own_redis.url)
    await store.open()
    await store.ping()
    own_redis.command("CONFIG SET maxmemory 1")
    with pytest.raises(StoreUnavailable):
        await store.ping()
    own_redis.command("CONFIG SET maxmemory 0")
    own_redis.command("REPLICAOF 127.0.0.1 1")
    with pytest.raises(StoreUnavailable):
        await store.ping()
    own_redis.command("REPLICAOF NO ONE")
    await store.ping()
    await store.close()


async def test_a_session_older_than_the_epoch_remembered_is_not_live(store: RedisSessionStore, client: Redis) -> None:
    await store.create(new_session(CLOCK, "s1", epoch=1))
    await store.create(new_session(CLOCK, "s2", epoch=2))
    await client.set("gw:{0}:e:u1", 2)
    assert [await store.is_live("u1", session_id) for session_id in ("s1", "s2")] == [False, True]
    assert [info.session_id for info in await store.sessions_of("u1")] == ["s2"]


async def test_before_it_is_opened_the_store_is_unavailable(redis_url: str) -> None:
    store = _store(redis_url)
    with pytest.raises(StoreUnavailable):
        await store.ping()
    with pytest.raises(StoreUnavailable):
        await store.events_after("0-0", 0)


SETTINGS = [
    pytest.param(["maxmemory-policy allkeys-lru"], ["may evict"], id="evicts"),
    pytest.param(["maxmemory-policy volatile-ttl"], ["may evict"], id="evicts what expires"),
    pytest.param(["appendonly no"], ["does not persist"], id="no persistence"),
    pytest.param(["appendonly no", 'save "60 1"'], ["snapshots only"], id="snapshots"),
    pytest.param(["appendonly no", "maxmemory-policy allkeys-lfu"], ["may evict", "does not persist"], id="both"),
]


@pytest.mark.parametrize(("settings", "words"), SETTINGS)
async def test_settings_that_may_lose_sessions_are_named(
    own_redis: RedisServer, settings: list[str], words: list[str]
) -> None:
    for setting in settings:
        assert own_redis.command(f"CONFIG SET {setting}") == b"+OK"
    store = _store(own_redis.url)
    await store.open()
    warnings = await store.warnings()
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))
    await store.close()


async def test_a_server_that_hides_its_settings_is_a_warning(own_redis: RedisServer) -> None:
    own_redis.command("ACL SETUSER shy on >pw ~* &* +@all -config")
    store = _store(own_redis.url.replace("redis://", "redis://shy:pw@"))
    await store.open()
    assert "does not let its settings be read" in (await store.warnings())[0]
    await store.close()
