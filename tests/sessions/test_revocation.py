"""The maps of revocations that every request is checked against."""

import math

import pytest

from gateway.clock import ManualClock
from gateway.sessions.events import EventKind, RevocationEvent
from gateway.sessions.revocation import RevocationView


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000)


@pytest.fixture
def view(clock: ManualClock) -> RevocationView:
    return RevocationView(clock=clock, max_staleness=30)


def _event(kind: EventKind, ref: str, value: str = "", expires_at: int = 2000) -> RevocationEvent:
    return RevocationEvent(kind, ref, value, expires_at)


def _ended(ref: str, expires_at: int = 2000) -> RevocationEvent:
    return _event(EventKind.SESSION_ENDED, ref, "ended", expires_at)


def test_nothing_is_known_at_first(view: RevocationView) -> None:
    assert not view.session_ended("s1")
    assert view.role_in_force("u1") is None
    assert not view.disabled("u1")
    assert view.counts() == {"sessions": 0, "roles": 0, "users": 0}


def test_an_ended_session_is_known(view: RevocationView) -> None:
    view.apply(_ended("s1"))
    assert view.session_ended("s1")
    assert not view.session_ended("s2")


def test_the_last_role_change_wins(view: RevocationView) -> None:
    for role in ("admin", "user", "auditor"):
        view.apply(_event(EventKind.ROLE_CHANGED, "u1", role))
    assert view.role_in_force("u1") == "auditor"
    assert view.role_in_force("u2") is None


def test_an_older_event_read_again_does_not_undo_a_newer_one(view: RevocationView) -> None:
    view.apply(_event(EventKind.ROLE_CHANGED, "u1", "user", 2001))
    view.apply(_event(EventKind.ROLE_CHANGED, "u1", "admin", 2000))
    view.apply(_event(EventKind.USER_DISABLED, "u1", expires_at=2001))
    view.apply(_event(EventKind.USER_ENABLED, "u1", expires_at=2000))
    assert view.role_in_force("u1") == "user"
    assert view.disabled("u1")


def test_a_user_may_be_enabled_again(view: RevocationView) -> None:
    view.apply(_event(EventKind.USER_DISABLED, "u1"))
    assert view.disabled("u1")
    view.apply(_event(EventKind.USER_ENABLED, "u1"))
    assert not view.disabled("u1")


def test_entries_go_when_the_last_token_they_concern_has_expired(view: RevocationView, clock: ManualClock) -> None:
    view.apply(_ended("s1"))
    view.apply(_event(EventKind.ROLE_CHANGED, "u1", "admin"))
    view.apply(_event(EventKind.USER_DISABLED, "u2"))
    clock.advance(999)
    view.heard()
    assert view.counts() == {"sessions": 1, "roles": 1, "users": 1}
    clock.advance(1)
    view.heard()
    assert view.counts() == {"sessions": 0, "roles": 0, "users": 0}
    assert not view.session_ended("s1")
    assert view.role_in_force("u1") is None
    assert not view.disabled("u2")


@pytest.mark.parametrize("again", [2500, 1500], ids=["later", "earlier"])
def test_a_session_that_is_told_again_stays_for_the_longer_time(
    view: RevocationView, clock: ManualClock, again: int
) -> None:
    view.apply(_ended("s1"))
    view.apply(_ended("s1", again))
    clock.advance(max(2000, again) - 1000 - 1)
    view.heard()
    assert view.session_ended("s1")
    clock.advance(1)
    view.heard()
    assert not view.session_ended("s1")


def test_a_session_that_comes_back_after_it_was_forgotten_is_known_again(
    view: RevocationView, clock: ManualClock
) -> None:
    view.apply(_ended("s1"))
    clock.advance(1000)
    view.heard()
    view.apply(_ended("s1", 3000))
    assert view.session_ended("s1")


def test_forgetting_is_done_in_small_steps(view: RevocationView, clock: ManualClock) -> None:
    for number in range(5000):
        view.apply(_ended(f"s{number}"))
    clock.advance(1000)
    counts = []
    for _ in range(6):
        view.heard()
        counts.append(view.counts()["sessions"])
    assert counts == [4000, 3000, 2000, 1000, 0, 0]


def test_forgetting_keeps_ahead_of_a_steady_stream(view: RevocationView, clock: ManualClock) -> None:
    for number in range(20_000):
        clock.advance(1)
        view.apply(_ended(f"s{number}", int(clock.now()) + 100))
    assert view.counts()["sessions"] <= 101


def test_staleness_is_infinite_until_something_was_heard(view: RevocationView, clock: ManualClock) -> None:
    assert view.staleness() == math.inf
    assert view.stale()
    view.heard()
    assert view.staleness() == 0
    assert not view.stale()


@pytest.mark.parametrize(("seconds", "stale"), [(30, False), (30.5, True)])
def test_staleness_is_bounded(view: RevocationView, clock: ManualClock, seconds: float, stale: bool) -> None:
    view.heard()
    clock.advance(seconds)
    assert view.staleness() == seconds
    assert view.stale() is stale


def test_events_alone_do_not_make_a_view_fresh(view: RevocationView, clock: ManualClock) -> None:
    view.heard()
    clock.advance(31)
    view.apply(_ended("s1"))
    assert view.stale()
