"""The sliding window against its own definition."""

from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.policy.rate import Rate
from gateway.sessions.window import Window, spans

MINUTE = Rate(10, 60)
GAPS = st.lists(st.integers(0, 20_000), min_size=1, max_size=80)
RATES = st.builds(Rate, st.integers(1, 12), st.sampled_from([0.05, 1.0, 7.0, 60.0]))


def admitted(rate: Rate, times: list[int]) -> list[int]:
    """The times at which one was admitted, the window written out and read back each time."""
    text, found = "", []
    for now in times:
        window = Window.read(text)
        if window.take(rate, now).allowed:
            found.append(now)
        text = str(window)
    return found


@given(RATES, GAPS)
@example(Rate(3, 1.0), [0, 0, 0, 0, 1000, 0])
def test_no_span_of_the_period_ever_holds_more_than_the_limit(rate: Rate, gaps: list[int]) -> None:
    period, _ = spans(rate)
    found = admitted(rate, list(accumulate(gaps)))
    for start in found:
        assert sum(start <= time < start + period for time in found) <= rate.count


@given(RATES, GAPS)
def test_nothing_is_refused_that_the_definition_admits(rate: Rate, gaps: list[int]) -> None:
    """Refused only while the limit was admitted within the period and the grain before."""
    period, grain = spans(rate)
    times = list(accumulate(gaps))
    found: list[int] = []
    window = Window()
    for now in times:
        if window.take(rate, now).allowed:
            found.append(now)
        else:
            assert sum(now - time < period + grain for time in found) >= rate.count


@given(RATES, GAPS)
def test_what_a_refusal_promises_comes_true_and_not_before(rate: Rate, gaps: list[int]) -> None:
    window, now = Window(), 0
    for gap in gaps:
        now += gap
        text = str(window)
        verdict = window.take(rate, now)
        assert (verdict.retry_after == 0) == (verdict.remaining > 0)
        if not verdict.allowed:
            due = now + round(verdict.retry_after * 1000)
            assert Window.read(text).take(rate, due).allowed
            assert not Window.read(text).take(rate, due - 1).allowed


@given(RATES, GAPS)
def test_all_is_there_again_when_a_verdict_says_so(rate: Rate, gaps: list[int]) -> None:
    window, now = Window(), 0
    for gap in gaps:
        now += gap
        verdict = window.take(rate, now)
    later = window.take(rate, now + round(verdict.reset_after * 1000))
    assert (later.allowed, later.remaining) == (True, rate.count - 1)


def test_the_whole_limit_may_come_at_once_and_comes_back_at_once() -> None:
    window = Window()
    first = [window.take(MINUTE, 1_000) for _ in range(11)]
    assert [verdict.remaining for verdict in first] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert [verdict.allowed for verdict in first] == [True] * 10 + [False]
    assert (first[-1].retry_after, first[-1].reset_after, first[-1].limit) == (60, 60, 10)
    assert not window.take(MINUTE, 60_999).allowed
    assert [window.take(MINUTE, 61_000).allowed for _ in range(11)] == [True] * 10 + [False]


def test_refusals_are_not_counted() -> None:
    window = Window()
    for now in range(0, 60_000, 100):
        window.take(MINUTE, now)
    assert window.take(MINUTE, 60_900).allowed


@given(st.lists(st.integers(0, 100), min_size=200, max_size=400))
def test_a_key_costs_the_same_however_high_its_limit(gaps: list[int]) -> None:
    window = Window()
    for now in accumulate(gaps):
        window.take(Rate(1_000_000, 2.0), now)
    assert len(window.groups) <= 64
    assert len(str(window)) < 64 * 20


def test_a_clock_that_is_behind_gives_nothing_back_early() -> None:
    window = Window()
    for _ in range(10):
        window.take(MINUTE, 100_000)
    behind = window.take(MINUTE, 99_000)
    assert not behind.allowed
    assert behind.retry_after == 60


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    window = Window()
    for _ in range(10):
        window.take(MINUTE, 90_000_000)
    assert window.take(MINUTE, 1_000).remaining == 9


@pytest.mark.parametrize(("before", "after", "retry"), [(10, 3, 59), (3, 10, 0)])
def test_a_changed_limit_holds_for_what_was_admitted_before(before: int, after: int, retry: float) -> None:
    window = Window()
    for second in range(before):
        window.take(Rate(before, 60), second * 1_500)
    verdict = window.take(Rate(after, 60), before * 1_500)
    assert verdict.allowed is (after > before)
    assert verdict.retry_after == (0 if after > before else pytest.approx(60 - (before - 7) * 1.5))
