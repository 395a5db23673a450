"""Turns: bounded, in order, and never lost."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import UpstreamFailed
from gateway.proxy.retries import RetryBudget
from gateway.proxy.turns import Turns
from gateway.reasons import Reason


async def take(turns: Turns) -> None:
    if turns.free > 0:
        turns.free -= 1
    else:
        await turns.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_wait_are_served_in_order() -> None:
    turns = Turns("svc", limit=1, queue=10, patience=5)
    await take(turns)
    served: list[int] = []

    async def wait(number: int) -> None:
        await take(turns)
        served.append(number)
        turns.give()

    tasks = [asyncio.create_task(wait(number)) for number in range(5)]
    await settle()
    assert (turns.waiting, served) == (5, [])
    turns.give()
    await asyncio.gather(*tasks)
    assert (served, turns.free, turns.waiting) == ([0, 1, 2, 3, 4], 1, 0)


async def test_a_turn_given_back_is_not_for_a_newcomer() -> None:
    turns = Turns("svc", limit=1, queue=10, patience=5)
    await take(turns)
    first = asyncio.create_task(take(turns))
    await settle()
    turns.give()
    assert turns.free == 0
    await first


async def test_a_full_queue_refuses_at_once() -> None:
    turns = Turns("svc", limit=1, queue=1, patience=5)
    await take(turns)
    waiting = asyncio.create_task(take(turns))
    await settle()
    with pytest.raises(UpstreamFailed) as refused:
        await take(turns)
    assert (refused.value.reason, refused.value.retry_after) == (Reason.UPSTREAM_UNAVAILABLE, 1)
    waiting.cancel()


async def test_whoever_waits_too_long_leaves_the_queue() -> None:
    turns = Turns("svc", limit=1, queue=1, patience=0.02)
    await take(turns)
    for _ in range(3):
        with pytest.raises(UpstreamFailed):
            await take(turns)
    assert turns.waiting == 0
    turns.give()
    assert turns.free == 1


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 3),
    steps=st.lists(st.sampled_from(["come", "end", "cancel", "give and cancel", "late", "run"]), max_size=40),
)
def test_no_turn_is_lost_or_made(limit: int, steps: list[str]) -> None:
    async def scenario() -> None:
        turns = Turns("svc", limit=limit, queue=4, patience=0.001 if "late" in steps else 60)
        holders: list[None] = []
        waiting: list[asyncio.Task[None]] = []

        async def come() -> None:
            await take(turns)
            holders.append(None)

        for step in steps:
            if step == "come":
                waiting.append(asyncio.create_task(come()))
            elif step in ("end", "give and cancel") and holders:
                holders.pop()
                turns.give()
            if "cancel" in step and waiting:
                waiting[len(waiting) // 2].cancel()
            if step == "late":
                await asyncio.sleep(0.002)
            if step == "run":
                await settle()
            assert turns.free >= 0
        await asyncio.sleep(0.005 if "late" in steps else 0)
        await settle()
        assert turns.free + len(holders) == limit
        assert turns.waiting == sum(not task.done() for task in waiting)
        while holders or turns.waiting:
            holders.pop()
            turns.give()
            await settle()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (turns.free, turns.waiting) == (limit, 0)

    asyncio.run(scenario())


def test_a_fifth_of_all_requests_may_be_retried_and_no_more() -> None:
    budget = RetryBudget()
    while budget.spend():
        pass
    retried = 0
    for _ in range(1000):
        budget.earn()
        retried += budget.spend()
    assert 195 <= retried <= 200


def test_a_quiet_time_saves_up_ten_retries() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == 10
