"""What every session store tells the workers, and how they read it."""

import asyncio
from time import perf_counter

import pytest

from gateway.clock import ManualClock
from gateway.sessions.store import EventKind, RevocationEvent, SessionStore
from tests.support.session_stores import ACCESS_TTL, BATCH, IDLE_TTL, new_session, presented

P = presented
LINGER = int(ACCESS_TTL) + 60


async def _heard(store: SessionStore) -> list[tuple[str, str]]:
    batch = await store.tail()
    return [(event.ref, event.value) for event in batch.events]


async def test_an_untouched_store_has_nothing_to_tell(store: SessionStore) -> None:
    batch = await store.tail()
    assert batch.events == ()
    assert (await store.events_after(batch.cursor, 0)).events == ()


async def test_every_end_is_told_once(store: SessionStore, clock: ManualClock) -> None:
    for session_id in ("s1", "s2", "s3", "s4"):
        await store.create(new_session(clock, session_id))
        clock.advance(1)
    await store.end("u1", "s2")
    await store.end("u1", "s2")
    await store.rotate(P(0, "s3", epoch=1))
    await store.end_all("u1", epoch=1)
    await store.end_all("u1", epoch=1)
    assert await _heard(store) == [("s1", "evicted"), ("s2", "ended"), ("s3", "revoked"), ("s4", "ended")]


async def test_expiry_and_reuse_are_told(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock, "s1"))
    await store.create(new_session(clock, "s2"))
    for generation in (0, 1, 0):
        await store.rotate(P(generation, "s1"))
    clock.advance(IDLE_TTL)
    await store.rotate(P(0, "s2"))
    await store.rotate(P(0, "s2"))
    assert await _heard(store) == [("s1", "reused"), ("s2", "expired")]


async def test_what_ends_nothing_tells_nothing(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock))
    for token in (P(0), P(0), P(1, digest="f" * 64), P(5), P(0, "absent")):
        await store.rotate(token)
    await store.end("u2", "s1")
    assert await _heard(store) == []


async def test_an_expired_session_is_still_ended_for_its_access_tokens(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock))
    clock.advance(IDLE_TTL)
    assert await store.end_all("u1", epoch=1) == 1
    assert await _heard(store) == [("s1", "ended")]


async def test_published_events_come_back_stamped_and_in_order(store: SessionStore, clock: ManualClock) -> None:
    sent = [
        RevocationEvent(EventKind.ROLE_CHANGED, "u1", "admin", 5),
        RevocationEvent(EventKind.USER_DISABLED, "u2"),
        RevocationEvent(EventKind.ROLE_CHANGED, "u1", "user"),
        RevocationEvent(EventKind.USER_ENABLED, "u2"),
    ]
    for event in sent:
        await store.publish(event)
    due = int(clock.now()) + LINGER
    batch = await store.tail()
    assert batch.events == tuple(RevocationEvent(event.kind, event.ref, event.value, due) for event in sent)


async def test_a_cursor_goes_on_where_it_stood(store: SessionStore) -> None:
    await store.publish(RevocationEvent(EventKind.USER_DISABLED, "u1"))
    cursor = (await store.tail()).cursor
    for user_id in ("u2", "u3"):
        await store.publish(RevocationEvent(EventKind.USER_DISABLED, user_id))
    batch = await store.events_after(cursor, 0)
    assert [event.ref for event in batch.events] == ["u2", "u3"]
    assert await store.events_after(batch.cursor, 0) == type(batch)((), batch.cursor)


async def test_a_long_backlog_is_read_in_batches(store: SessionStore) -> None:
    users = [f"u{number}" for number in range(2 * BATCH + 1)]
    for user in users:
        await store.publish(RevocationEvent(EventKind.USER_DISABLED, user))
    batch = await store.tail()
    heard = list(batch.events)
    assert len(heard) == BATCH
    while batch.events:
        batch = await store.events_after(batch.cursor, 0)
        heard.extend(batch.events)
    assert [event.ref for event in heard] == users


async def test_waiting_ends_with_the_first_news(store: SessionStore) -> None:
    cursor = (await store.tail()).cursor
    waiting = asyncio.create_task(store.events_after(cursor, 20))
    await asyncio.sleep(0.1)
    started = perf_counter()
    await store.publish(RevocationEvent(EventKind.USER_DISABLED, "u1"))
    batch = await waiting
    assert [event.ref for event in batch.events] == ["u1"]
    assert perf_counter() - started < 1


async def test_waiting_without_news_ends_in_time(store: SessionStore) -> None:
    cursor = (await store.tail()).cursor
    started = perf_counter()
    batch = await store.events_after(cursor, 0.4)
    assert batch.events == ()
    assert 0.3 < perf_counter() - started < 2


@pytest.mark.parametrize("events", [0, 2])
async def test_a_cursor_ahead_of_the_store_starts_again(store: SessionStore, events: int) -> None:
    """A store that lost its newest events hands out again what it has."""
    await store.publish(RevocationEvent(EventKind.USER_DISABLED, "u0"))
    cursor = (await store.tail()).cursor
    digits, dash, number = cursor.partition("-")
    ahead = f"{int(digits) + 3_600_000}{dash}{number}"
    for user in range(events):
        await store.publish(RevocationEvent(EventKind.USER_DISABLED, f"u{user + 1}"))
    batch = await store.events_after(ahead, 0)
    assert [event.ref for event in batch.events] == [f"u{user}" for user in range(events + 1)]
