"""Every limiter that workers share, each test on each store."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import ManualClock
from gateway.policy.rate import Rate
from gateway.sessions.limiter import Limiter
from gateway.sessions.redis_limiter import RedisLimiter
from gateway.sessions.sql_limiter import SqlLimiter
from gateway.sessions.window import Verdict, Window

RATE = Rate(10, 60)


def make_limiter(url: str, clock: ManualClock) -> Limiter:
    """By `clock` also on Redis; patient, so that a busy test machine is not taken for a store that is away."""
    if url.startswith("redis"):
        return RedisLimiter(url, clock=clock, timeout=10)
    return SqlLimiter(url, clock=clock, timeout=20)


@pytest.fixture
async def limiter(store_url: str, clock: ManualClock) -> AsyncIterator[Limiter]:
    limiter = make_limiter(store_url, clock)
    await limiter.open()
    yield limiter
    await limiter.close()


async def test_admits_the_limit_and_not_one_more(limiter: Limiter) -> None:
    verdicts = [await limiter.take("k", RATE) for _ in range(12)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 10 + [False] * 2
    assert verdicts[0] == Verdict(True, 10, 9, 60.0, 0.0)
    assert verdicts[-1] == Verdict(False, 10, 0, 60.0, 60.0)


async def test_keys_are_counted_apart(limiter: Limiter) -> None:
    for _ in range(10):
        await limiter.take("one", RATE)
    assert (await limiter.take("other", RATE)).remaining == 9
    assert not (await limiter.take("one", RATE)).allowed


async def test_the_window_slides(limiter: Limiter, clock: ManualClock) -> None:
    for _ in range(5):
        await limiter.take("k", RATE)
    clock.advance(30)
    for _ in range(5):
        await limiter.take("k", RATE)
    clock.advance(29.999)
    assert await limiter.take("k", RATE) == Verdict(False, 10, 0, 30.001, 0.001)
    clock.advance(0.001)
    assert (await limiter.take("k", RATE)).remaining == 4


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(1, 6),
    seconds=st.sampled_from([0.05, 1.0, 60.0]),
    gaps=st.lists(st.integers(-200, 30_000), min_size=1, max_size=40),
)
def test_says_what_the_model_says(store_url: str, count: int, seconds: float, gaps: list[int]) -> None:
    """Step by step what the pure window says, with a clock that sometimes goes back as those of two hosts do."""

    async def compare() -> None:
        clock, rate, model = ManualClock(), Rate(count, seconds), Window()
        limiter = make_limiter(store_url, clock)
        await limiter.open()
        key = f"{count} {seconds} {gaps}"
        for gap in gaps:
            clock.advance(gap / 1000)
            assert await limiter.take(key, rate) == model.take(rate, round(clock.now() * 1000))
        await limiter.close()

    asyncio.run(compare())


async def test_workers_at_once_admit_exactly_the_limit(limiter: Limiter, store_url: str, clock: ManualClock) -> None:
    others = [make_limiter(store_url, clock) for _ in range(3)]
    for other in others:
        await other.open()
    takes = [each.take("k", Rate(50, 60)) for _ in range(50) for each in (limiter, *others)]
    verdicts = await asyncio.gather(*takes)
    for other in others:
        await other.close()
    assert sum(verdict.allowed for verdict in verdicts) == 50
    assert sorted(verdict.remaining for verdict in verdicts if verdict.allowed) == list(range(50))


async def test_many_new_keys_at_once_are_counted_once_each(limiter: Limiter) -> None:
    keys = [f"k{number}" for number in range(20)]
    verdicts = await asyncio.gather(*(limiter.take(key, Rate(1, 60)) for key in keys * 3))
    assert sum(verdict.allowed for verdict in verdicts) == 20


async def test_callers_that_hang_up_do_no_harm(limiter: Limiter) -> None:
    for delay in range(20):
        task = asyncio.create_task(limiter.take("gone", Rate(1_000, 60)))
        await asyncio.sleep(delay / 10_000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (await limiter.take("gone", Rate(1_000, 60))).allowed
