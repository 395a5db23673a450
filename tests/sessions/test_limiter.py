"""Counting in the process, and falling back to it while the shared store is away."""

import asyncio
import logging

import pytest

from gateway.clock import ManualClock
from gateway.errors import StoreUnavailable
from gateway.policy.rate import Rate
from gateway.sessions.connect import make_limiter
from gateway.sessions.limiter import FallbackLimiter, LocalLimiter, limit_key
from gateway.sessions.window import Verdict
from tests.support.redis_server import RedisServer

RATE = Rate(2, 60)
SHARED = Verdict(True, 99, 42, 1.0, 0.0)


class Store:
    """A shared limiter that can be away, and counts how often it is asked."""

    def __init__(self) -> None:
        self.away = False
        self.opens = 0
        self.asked = 0
        self.hold = asyncio.Event()
        self.hold.set()

    async def open(self) -> None:
        self._fail()
        self.opens += 1

    async def close(self) -> None:
        self.opens = -1

    async def take(self, key: str, rate: Rate) -> Verdict:
        self.asked += 1
        await self.hold.wait()
        self._fail()
        return SHARED

    def _fail(self) -> None:
        if self.away:
            raise StoreUnavailable("sessions")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def fallback(store: Store, clock: ManualClock) -> FallbackLimiter:
    return FallbackLimiter(store, LocalLimiter(clock), clock, pause=1.0)


async def test_the_local_limiter_counts_as_the_others_do(clock: ManualClock) -> None:
    limiter = LocalLimiter(clock)
    assert [(await limiter.take("k", RATE)).allowed for _ in range(3)] == [True, True, False]
    clock.advance(60)
    assert (await limiter.take("k", RATE)).remaining == 1


async def test_the_local_limiter_forgets_the_key_that_was_quiet_longest(clock: ManualClock) -> None:
    limiter = LocalLimiter(clock, most=3)
    for key in ("a", "b", "c", "a", "d"):
        await limiter.take(key, RATE)
    assert (await limiter.take("a", RATE)).allowed is False
    assert (await limiter.take("b", RATE)).remaining == 1


async def test_the_shared_count_holds_while_it_can_be_had(clock: ManualClock) -> None:
    store = Store()
    limiter = fallback(store, clock)
    await limiter.open()
    assert [await limiter.take("k", RATE) for _ in range(3)] == [SHARED] * 3
    assert (store.opens, store.asked) == (1, 3)


async def test_a_store_that_is_away_is_asked_once_a_second(clock: ManualClock) -> None:
    store = Store()
    limiter = fallback(store, clock)
    await limiter.open()
    store.away = True
    assert [(await limiter.take("k", RATE)).allowed for _ in range(5)] == [True, True, False, False, False]
    assert store.asked == 1
    clock.advance(1)
    assert (await limiter.take("k", RATE)).limit == 2
    assert store.asked == 2
    store.away = False
    clock.advance(1)
    assert await limiter.take("k", RATE) == SHARED


async def test_nobody_waits_while_one_request_tries_the_store(clock: ManualClock) -> None:
    store = Store()
    limiter = fallback(store, clock)
    await limiter.open()
    store.away = True
    await limiter.take("k", RATE)
    clock.advance(10)
    store.hold.clear()
    trying = asyncio.create_task(limiter.take("k", RATE))
    await asyncio.sleep(0)
    clock.advance(10)
    assert (await limiter.take("k", RATE)).limit == 2
    assert store.asked == 2
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    store.away = False
    store.hold.set()
    assert await limiter.take("k", RATE) == SHARED


async def test_a_store_that_is_away_at_the_start_is_opened_later(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store()
    store.away = True
    limiter = fallback(store, clock)
    with caplog.at_level(logging.WARNING, "gateway"):
        await limiter.open()
        assert (await limiter.take("k", RATE)).limit == 2
        store.away = False
        clock.advance(1)
        assert await limiter.take("k", RATE) == SHARED
    assert store.opens == 1
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the session store does not answer",
        "the session store answers",
    ]
    await limiter.close()
    assert store.opens == -1


@pytest.mark.parametrize("how", ["kill", "pause"])
async def test_redis_may_go_and_come_back(own_redis: RedisServer, clock: ManualClock, how: str) -> None:
    limiter = make_limiter(own_redis.url, clock=clock)
    await limiter.open()
    assert [(await limiter.take("k", RATE)).allowed for _ in range(2)] == [True, True]
    getattr(own_redis, how)()
    assert [(await limiter.take("k", RATE)).remaining for _ in range(3)] == [1, 0, 0]
    if how == "kill":
        own_redis.start()
    own_redis.resume()
    clock.advance(1)
    assert (await limiter.take("k", RATE)).allowed is False
    await limiter.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("user", "a", "b"), ("user", "ab", "")),
        (("a", "b"), ("a\0b",)),
        (("1:a",), ("", "1:a")),
        (("route", "x"), ("address", "x")),
    ],
)
def test_no_part_of_a_key_passes_for_another(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert limit_key(*one) != limit_key(*other)
    assert limit_key(*one) == limit_key(*one)
    assert len(limit_key(*one)) == 32


def test_a_key_hides_who_it_is() -> None:
    assert "ann@example.com" not in limit_key("login", "ann@example.com" * 1000)
