"""A million ended sessions: look-ups as fast as with ten, memory under 200 MB."""

import tracemalloc
from timeit import repeat
from uuid import UUID

import pytest

from gateway.clock import ManualClock
from gateway.sessions.events import EventKind, RevocationEvent
from gateway.sessions.revocation import RevocationView

MILLION = 1_000_000
NOISE = 2.5


def view_of(entries: int) -> RevocationView:
    view = RevocationView(clock=ManualClock(0), max_staleness=30)
    for number in range(entries):
        expires_at = 1000 + number // 500
        view.apply(RevocationEvent(EventKind.SESSION_ENDED, str(UUID(int=number)), "ended", expires_at))
    return view


def _seconds(view: RevocationView) -> float:
    """Of a thousand look-ups of sessions that were not ended, the usual case."""
    absent = [str(UUID(int=MILLION + number)) for number in range(1000)]
    return min(repeat(lambda: [view.session_ended(each) for each in absent], number=20, repeat=15))


@pytest.mark.slow
def test_a_million_entries_cost_a_look_up_nothing() -> None:
    few = _seconds(view_of(10))
    many = _seconds(view_of(MILLION))
    assert many < few * NOISE


@pytest.mark.slow
def test_a_million_entries_fit_in_200_megabytes() -> None:
    """Measured with a quarter: tables grow by powers of two, so it is filled like the whole."""
    tracemalloc.start()
    view = view_of(MILLION // 4)
    size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert view.counts()["sessions"] == MILLION // 4
    assert 20e6 < size < 50e6
    # While a table grows, the old one and the new one are there together.
    assert peak < 60e6
