"""The rotation table, row by row, without any store."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sessions.events import EventKind
from gateway.sessions.family import Family, Outcome, Presented, Transition, bury, decide_rotation
from tests.support.session_stores import LIFETIMES, presented, token_hash

ROTATED_AT = 1_000_000
FAMILY = Family(
    user_id="u1",
    session_id="s1",
    generation=5,
    current=token_hash("s1", 5),
    previous=token_hash("s1", 4),
    rotated_at=ROTATED_AT,
    expires_at=ROTATED_AT + 900_000,
    epoch=2,
)
TOMBSTONE = replace(FAMILY, ended=True)
OLD = replace(FAMILY, expires_at=ROTATED_AT + 100)
P = presented
SOON = ROTATED_AT + 1
GRACE_END = ROTATED_AT + LIFETIMES.grace
IDLE_END = ROTATED_AT + LIFETIMES.idle

ROWS = [
    pytest.param(None, P(5, epoch=2), SOON, Outcome.UNKNOWN, id="2 absent"),
    pytest.param(FAMILY, P(5, user_id="u2", epoch=2), SOON, Outcome.UNKNOWN, id="2 another user's"),
    pytest.param(TOMBSTONE, P(5, epoch=2), SOON, Outcome.REVOKED, id="3 tombstone"),
    pytest.param(TOMBSTONE, P(9, epoch=2), IDLE_END, Outcome.REVOKED, id="3 before 4 and 10"),
    pytest.param(FAMILY, P(5, epoch=2), IDLE_END, Outcome.EXPIRED, id="4 idle"),
    pytest.param(FAMILY, P(5, epoch=2), IDLE_END - 1, Outcome.ROTATED, id="4 idle, the last moment"),
    pytest.param(OLD, P(5, epoch=2), ROTATED_AT + 100, Outcome.EXPIRED, id="4 absolute"),
    pytest.param(OLD, P(5, epoch=2), ROTATED_AT + 99, Outcome.ROTATED, id="4 absolute, the last moment"),
    pytest.param(FAMILY, P(5, epoch=3), SOON, Outcome.REVOKED, id="5 epoch newer in SQL"),
    pytest.param(FAMILY, P(5, epoch=1), SOON, Outcome.ROTATED, id="5 epoch older in SQL"),
    pytest.param(FAMILY, P(5, epoch=2), SOON, Outcome.ROTATED, id="6"),
    pytest.param(FAMILY, P(5, epoch=2, digest="x"), SOON, Outcome.FORGED, id="7"),
    pytest.param(FAMILY, P(4, epoch=2), GRACE_END, Outcome.REPLAYED, id="8 last moment of grace"),
    pytest.param(FAMILY, P(4, epoch=2), ROTATED_AT - 5, Outcome.REPLAYED, id="8 clock stepped back"),
    pytest.param(FAMILY, P(4, epoch=2, digest="x"), SOON, Outcome.REUSED, id="9 previous, hash differs"),
    pytest.param(FAMILY, P(4, epoch=2), GRACE_END + 1, Outcome.REUSED, id="9 after grace"),
    pytest.param(FAMILY, P(3, epoch=2), SOON, Outcome.REUSED, id="9 older, inside grace"),
    pytest.param(FAMILY, P(0, epoch=2), SOON, Outcome.REUSED, id="9 first"),
    pytest.param(FAMILY, P(6, epoch=2), SOON, Outcome.ROLLED_FORWARD, id="10 one ahead"),
    pytest.param(FAMILY, P(70, epoch=2), SOON, Outcome.ROLLED_FORWARD, id="10 far ahead"),
]


@pytest.mark.parametrize(("family", "token", "now", "outcome"), ROWS)
def test_row(family: Family | None, token: Presented, now: int, outcome: Outcome) -> None:
    assert _decide(family, token, now).outcome is outcome


@pytest.mark.parametrize("token", [P(5, epoch=2), P(6, epoch=2)], ids=["rotated", "rolled forward"])
def test_the_successor_becomes_current_and_the_presented_previous(token: Presented) -> None:
    after = _decide(FAMILY, token, SOON).family
    generation = token.generation
    assert after == replace(
        FAMILY,
        generation=generation + 1,
        current=token_hash("s1", generation + 1),
        previous=token_hash("s1", generation),
        rotated_at=SOON,
    )


@pytest.mark.parametrize(
    ("token", "now", "why"),
    [
        pytest.param(P(5, epoch=2), IDLE_END, "expired", id="expired"),
        pytest.param(P(5, epoch=3), SOON, "revoked", id="epoch"),
        pytest.param(P(3, epoch=2), SOON, "reused", id="reuse"),
    ],
)
def test_what_ends_the_family_leaves_a_tombstone_and_an_event(token: Presented, now: int, why: str) -> None:
    transition = _decide(FAMILY, token, now)
    assert transition.family == TOMBSTONE
    assert transition.event is not None
    assert (transition.event.kind, transition.event.ref) == (EventKind.SESSION_ENDED, "s1")
    assert transition.event.value == why
    assert transition.event.expires_at == (now + LIFETIMES.linger) // 1000


@pytest.mark.parametrize("token", [P(5, epoch=2, digest="x"), P(4, epoch=2)], ids=["forged", "replayed"])
def test_what_changes_nothing_hands_back_the_same_family(token: Presented) -> None:
    transition = _decide(FAMILY, token, SOON)
    assert transition.family is FAMILY
    assert transition.event is None


def test_burying_keeps_everything_but_the_life() -> None:
    tomb, event = bury(FAMILY, "evicted", SOON, LIFETIMES)
    assert tomb == TOMBSTONE
    assert event.value == "evicted"


@given(steps=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 700_000), st.integers(0, 3)), max_size=30))
def test_a_tombstone_is_final_and_generations_never_go_back(steps: list[tuple[int, int, int]]) -> None:
    family, now = FAMILY, ROTATED_AT
    for generation, pause, epoch in steps:
        now += pause
        after = _decide(family, P(generation, epoch=epoch), now).family
        assert after is not None
        assert after.ended or not family.ended
        assert after.generation >= family.generation
        assert after.expires_at == family.expires_at
        family = after


def _decide(family: Family | None, token: Presented, now: int) -> Transition:
    return decide_rotation(family, token, now, LIFETIMES)
