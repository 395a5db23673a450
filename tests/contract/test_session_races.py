"""Steps of every session store that happen at the same time."""

import asyncio
from collections import Counter

from gateway.clock import ManualClock
from gateway.errors import Refusal
from gateway.sessions.store import Outcome, SessionStore
from tests.support.session_stores import MAX_PER_USER, make_store, new_session, presented

P = presented


async def test_200_refreshes_of_one_token_give_one_successor(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock))
    rotations = await asyncio.gather(*(store.rotate(P(0)) for _ in range(200)))
    assert Counter(rotation.outcome for rotation in rotations) == {Outcome.ROTATED: 1, Outcome.REPLAYED: 199}
    assert len({(rotation.rotated_at, rotation.expires_at) for rotation in rotations}) == 1
    assert (await store.rotate(P(1))).outcome is Outcome.ROTATED


async def test_two_workers_make_one_rotation(store: SessionStore, store_url: str, clock: ManualClock) -> None:
    other = make_store(store_url, clock)
    await other.open()
    await store.create(new_session(clock))
    rotations = await asyncio.gather(*(each.rotate(P(0)) for _ in range(20) for each in (store, other)))
    await other.close()
    assert Counter(rotation.outcome for rotation in rotations) == {Outcome.ROTATED: 1, Outcome.REPLAYED: 39}


async def test_a_refresh_that_races_an_end_leaves_no_live_session(store: SessionStore, clock: ManualClock) -> None:
    for attempt in range(15):
        session_id = f"s{attempt}"
        await store.create(new_session(clock, session_id))
        rotations = [store.rotate(P(0, session_id)) for _ in range(3)]
        await asyncio.gather(rotations[0], store.end("u1", session_id), *rotations[1:])
        assert not await store.is_live("u1", session_id)
        assert (await store.rotate(P(1, session_id))).outcome is Outcome.REVOKED


async def test_a_refresh_that_races_end_all_leaves_no_live_session(store: SessionStore, clock: ManualClock) -> None:
    for attempt in range(10):
        session_id = f"s{attempt}"
        await store.create(new_session(clock, session_id, epoch=attempt))
        rotation = store.rotate(P(0, session_id, epoch=attempt))
        await asyncio.gather(rotation, store.end_all("u1", epoch=attempt + 1))
        assert await store.sessions_of("u1") == []


async def test_a_login_that_races_end_all_leaves_no_live_session(
    store: SessionStore, store_url: str, clock: ManualClock
) -> None:
    other = make_store(store_url, clock)
    await other.open()
    for attempt in range(15):
        logins = [
            each.create(new_session(clock, f"s{attempt}{each is store}", epoch=attempt)) for each in (store, other)
        ]
        results = await asyncio.gather(
            logins[0], other.end_all("u1", epoch=attempt + 1), logins[1], return_exceptions=True
        )
        assert all(isinstance(result, (tuple, int, Refusal)) for result in results)
        assert await store.sessions_of("u1") == []
    await other.close()


async def test_logins_at_once_stay_within_the_limit(store: SessionStore, clock: ManualClock) -> None:
    gone = await asyncio.gather(*(store.create(new_session(clock, f"s{number}")) for number in range(12)))
    assert len(await store.sessions_of("u1")) == MAX_PER_USER
    assert len({session_id for each in gone for session_id in each}) == 12 - MAX_PER_USER


async def test_ends_of_one_session_at_once_end_it_once(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock))
    assert sum(await asyncio.gather(*(store.end("u1", "s1") for _ in range(20)))) == 1
    assert len((await store.tail()).events) == 1


async def test_workers_that_open_at_once_all_open(store_url: str, clock: ManualClock) -> None:
    workers = [make_store(store_url, clock) for _ in range(5)]
    await asyncio.gather(*(worker.open() for worker in workers))
    await asyncio.gather(*(worker.create(new_session(clock, f"s{n}", f"u{n}")) for n, worker in enumerate(workers)))
    for worker in workers:
        await worker.close()


async def test_callers_that_hang_up_do_no_harm(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock))
    for delay in range(25):
        task = asyncio.create_task(store.rotate(P(0)))
        await asyncio.sleep(delay / 10_000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (await store.rotate(P(0))).outcome in (Outcome.ROTATED, Outcome.REPLAYED)
    assert (await store.rotate(P(1))).outcome is Outcome.ROTATED
