"""What every session store must do: the rotation table, sessions of a user, ends, epochs."""

import pytest

from gateway.clock import ManualClock
from gateway.errors import Refusal
from gateway.reasons import Reason
from gateway.sessions.store import Outcome, Presented, Rotation, SessionInfo, SessionStore
from tests.support.session_stores import ABSOLUTE_TTL, GRACE, IDLE_TTL, new_session, presented

P = presented


@pytest.fixture
async def session(store: SessionStore, clock: ManualClock) -> SessionStore:
    """The store with session s1 of user u1, rotated twice just now: generation 2, epoch 1."""
    await store.create(new_session(clock, epoch=1))
    for generation in (0, 1):
        assert (await store.rotate(P(generation, epoch=1))).outcome is Outcome.ROTATED
    return store


ROWS = [
    pytest.param(P(0, "other", epoch=1), 0, Outcome.UNKNOWN, Outcome.ROTATED, id="2 absent"),
    pytest.param(P(2, user_id="u2", epoch=1), 0, Outcome.UNKNOWN, Outcome.ROTATED, id="2 another user's"),
    pytest.param(P(2, epoch=1), IDLE_TTL, Outcome.EXPIRED, Outcome.REVOKED, id="4 idle"),
    pytest.param(P(2, epoch=2), 0, Outcome.REVOKED, Outcome.REVOKED, id="5 epoch"),
    pytest.param(P(2, epoch=1), IDLE_TTL - 0.001, Outcome.ROTATED, Outcome.REPLAYED, id="6 current"),
    pytest.param(P(2, epoch=1, digest="f" * 64), 0, Outcome.FORGED, Outcome.ROTATED, id="7 forged"),
    pytest.param(P(1, epoch=1), GRACE, Outcome.REPLAYED, Outcome.ROTATED, id="8 replay"),
    pytest.param(P(1, epoch=1), GRACE + 0.001, Outcome.REUSED, Outcome.REVOKED, id="9 after grace"),
    pytest.param(P(1, epoch=1, digest="f" * 64), 0, Outcome.REUSED, Outcome.REVOKED, id="9 hash differs"),
    pytest.param(P(0, epoch=1), 0, Outcome.REUSED, Outcome.REVOKED, id="9 older"),
    pytest.param(P(3, epoch=1), 0, Outcome.ROLLED_FORWARD, Outcome.REUSED, id="10 one ahead"),
    pytest.param(P(2**40, epoch=1), 0, Outcome.ROLLED_FORWARD, Outcome.REUSED, id="10 far ahead"),
]


@pytest.mark.parametrize(("token", "pause", "outcome", "current_then"), ROWS)
async def test_row(
    session: SessionStore,
    clock: ManualClock,
    token: Presented,
    pause: float,
    outcome: Outcome,
    current_then: Outcome,
) -> None:
    clock.advance(pause)
    assert (await session.rotate(token)).outcome is outcome
    assert (await session.rotate(P(2, epoch=1))).outcome is current_then


async def test_row_3_a_tombstone_stays(session: SessionStore) -> None:
    assert await session.end("u1", "s1")
    for generation in (0, 1, 2, 3):
        assert (await session.rotate(P(generation, epoch=1))).outcome is Outcome.REVOKED


async def test_row_4_the_absolute_end_does_not_move_with_use(session: SessionStore, clock: ManualClock) -> None:
    for generation in (2, 3, 4):
        clock.advance(ABSOLUTE_TTL / 3 - 0.001)
        rotation = await session.rotate(P(generation, epoch=1))
        assert rotation.outcome is Outcome.ROTATED
    assert rotation.expires_at <= clock.now() + 1
    clock.advance(0.003)
    assert (await session.rotate(P(5, epoch=1))).outcome is Outcome.EXPIRED


async def test_after_rolling_forward_the_chain_goes_on(session: SessionStore) -> None:
    await session.rotate(P(7, epoch=1))
    assert (await session.rotate(P(8, epoch=1))).outcome is Outcome.ROTATED
    assert (await session.rotate(P(8, epoch=1))).outcome is Outcome.REPLAYED


async def test_replays_give_the_times_of_the_rotation(session: SessionStore, clock: ManualClock) -> None:
    clock.advance(5.7)
    first = await session.rotate(P(2, epoch=1))
    clock.advance(9.6)
    again = await session.rotate(P(2, epoch=1))
    rotated_at = int(clock.now() - 9.6)
    assert first == Rotation(Outcome.ROTATED, rotated_at, rotated_at + int(IDLE_TTL))
    assert again == Rotation(Outcome.REPLAYED, first.rotated_at, first.expires_at)


async def test_refusals_carry_no_times(session: SessionStore) -> None:
    assert await session.rotate(P(0, epoch=1)) == Rotation(Outcome.REUSED, 0, 0)


async def test_sessions_are_listed_newest_use_first(store: SessionStore, clock: ManualClock) -> None:
    for session_id in ("s1", "s2", "s3"):
        await store.create(new_session(clock, session_id))
        clock.advance(1)
    await store.rotate(P(0, "s1"))
    assert [info.session_id for info in await store.sessions_of("u1")] == ["s1", "s3", "s2"]
    assert await store.sessions_of("u2") == []


AGENTS = [
    pytest.param("Firefox", "Firefox", id="short"),
    pytest.param("", "", id="empty"),
    pytest.param("Mozilla/5.0 (X11; Linux x86_64) " * 5, "Mozilla/5.0 (X11; Linux x86_64) " * 5, id="160"),
    pytest.param("x" * 200, "x" * 200, id="as much as is kept"),
    pytest.param("é" * 90, "é" * 90, id="not ASCII"),
]


@pytest.mark.parametrize(("agent", "seen"), AGENTS)
async def test_a_session_is_described(store: SessionStore, clock: ManualClock, agent: str, seen: str) -> None:
    await store.create(new_session(clock, agent=agent))
    created = int(clock.now())
    clock.advance(60)
    await store.rotate(P(0))
    assert await store.sessions_of("u1") == [
        SessionInfo(
            session_id="s1",
            user_id="u1",
            created_at=created,
            last_used_at=created + 60,
            expires_at=created + 60 + int(IDLE_TTL),
            agent=seen,
            address="203.0.113.7",
        )
    ]


async def test_expired_sessions_are_not_listed_nor_live(session: SessionStore, clock: ManualClock) -> None:
    assert await session.is_live("u1", "s1")
    clock.advance(IDLE_TTL)
    assert not await session.is_live("u1", "s1")
    assert await session.sessions_of("u1") == []


async def test_is_live_asks_for_the_user_too(session: SessionStore) -> None:
    assert not await session.is_live("u2", "s1")
    assert not await session.is_live("u1", "s2")
    await session.end("u1", "s1")
    assert not await session.is_live("u1", "s1")


async def test_the_least_recently_used_sessions_make_room(store: SessionStore, clock: ManualClock) -> None:
    for session_id in ("s1", "s2", "s3"):
        assert await store.create(new_session(clock, session_id)) == ()
        clock.advance(1)
    await store.rotate(P(0, "s1"))
    clock.advance(1)
    assert await store.create(new_session(clock, "s4")) == ("s2",)
    assert await store.create(new_session(clock, "s5")) == ("s3",)
    assert [info.session_id for info in await store.sessions_of("u1")] == ["s5", "s4", "s1"]
    assert (await store.rotate(P(0, "s2"))).outcome is Outcome.REVOKED


async def test_expired_sessions_do_not_take_room(store: SessionStore, clock: ManualClock) -> None:
    for session_id in ("s1", "s2", "s3"):
        await store.create(new_session(clock, session_id))
    clock.advance(IDLE_TTL)
    assert await store.create(new_session(clock, "s4")) == ()


async def test_creating_again_after_a_lost_answer_changes_nothing(store: SessionStore, clock: ManualClock) -> None:
    login = new_session(clock)
    await store.create(login)
    await store.rotate(P(0))
    assert await store.create(login) == ()
    assert (await store.rotate(P(1))).outcome is Outcome.ROTATED


@pytest.mark.parametrize("user_id", ["u1", "u2"])
async def test_an_ended_session_id_cannot_be_created_again(
    session: SessionStore, clock: ManualClock, user_id: str
) -> None:
    await session.end("u1", "s1")
    with pytest.raises(Refusal) as refusal:
        await session.create(new_session(clock, "s1", user_id, epoch=1))
    assert refusal.value.reason is Reason.SESSION_ENDED


async def test_end_says_whether_there_was_something_to_end(session: SessionStore) -> None:
    assert not await session.end("u2", "s1")
    assert not await session.end("u1", "s2")
    assert await session.end("u1", "s1")
    assert not await session.end("u1", "s1")


async def test_end_all_leaves_other_users_alone(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock, "s1"))
    await store.create(new_session(clock, "s2"))
    await store.create(new_session(clock, "s3", "u2"))
    assert await store.end_all("u1", epoch=1) == 2
    assert await store.end_all("u1", epoch=1) == 0
    assert await store.sessions_of("u1") == []
    assert (await store.rotate(P(0, "s3", "u2"))).outcome is Outcome.ROTATED


async def test_an_end_that_comes_late_spares_what_began_after_it(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock, "s1", epoch=0))
    await store.create(new_session(clock, "s2", epoch=1))
    await store.create(new_session(clock, "s3", epoch=2))
    assert await store.end_all("u1", epoch=1, older_only=True) == 1
    assert await store.end_all("u1", epoch=1, older_only=True) == 0
    assert [await store.is_live("u1", session_id) for session_id in ("s1", "s2", "s3")] == [False, True, True]
    with pytest.raises(Refusal):
        await store.create(new_session(clock, "s4", epoch=0))


async def test_the_session_kept_goes_over_to_the_new_epoch(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock, "s1"))
    await store.create(new_session(clock, "s2"))
    assert await store.end_all("u1", epoch=1, keep="s1") == 1
    assert (await store.rotate(P(0, "s1", epoch=1))).outcome is Outcome.ROTATED
    assert (await store.rotate(P(0, "s2", epoch=1))).outcome is Outcome.REVOKED
    assert (await store.rotate(P(1, "s1", epoch=2))).outcome is Outcome.REVOKED


async def test_only_an_own_session_can_be_kept(store: SessionStore, clock: ManualClock) -> None:
    await store.create(new_session(clock, "s1"))
    await store.create(new_session(clock, "s2", "u2"))
    assert await store.end_all("u1", epoch=5, keep="s2") == 1
    assert (await store.rotate(P(0, "s2", "u2", epoch=1))).outcome is Outcome.REVOKED


async def test_a_login_that_began_before_the_end_comes_too_late(store: SessionStore, clock: ManualClock) -> None:
    await store.end_all("u1", epoch=2)
    await store.end_all("u1", epoch=1)
    with pytest.raises(Refusal) as refusal:
        await store.create(new_session(clock, epoch=1))
    assert refusal.value.reason is Reason.SESSION_ENDED
    assert await store.sessions_of("u1") == []
    await store.create(new_session(clock, epoch=2))
    await store.create(new_session(clock, "s2", "u2", epoch=0))


async def test_a_healthy_store_answers_and_warns_of_nothing(store: SessionStore) -> None:
    await store.ping()
    assert await store.warnings() == []
