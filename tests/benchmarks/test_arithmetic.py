"""Medians, ratios, verdicts and the report, on figures that are known."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.figure import Figure, Verdict, table
from benchmarks.load import Sample
from benchmarks.report import markdown, put
from benchmarks.rounds import Course, interleave, ratio
from benchmarks.spread import Spread
from benchmarks.targets import DIRECT, at_least, at_most, throughput_verdicts

SAMPLE = Sample(rate=1000.0, p50=100.0, p99=400.0, refused=0, broken=0)
FACTS = {
    "date": "2027-01-15 08:00 UTC",
    "processor": "Some CPU",
    "cores": 2,
    "memory_mib": 2048,
    "kernel": "6.1",
    "python": "3.11.7",
    "load": [0.1, 0.2, 0.3],
    "uvicorn": "0.54.0",
    "versions": {"nginx": "1.22.1"},
}


def course(*rates: float, **fields: float) -> Course:
    return Course([replace(SAMPLE, rate=rate, **fields) for rate in rates])  # type: ignore[arg-type]


def test_a_spread_is_the_median_and_the_ends() -> None:
    assert Spread.of([5, 1, 3]) == Spread(3, 1, 5)
    assert Spread.of([5, 1, 3]).text() == "3 (1–5)"


def test_a_spread_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Spread.of([])


def test_ratios_are_taken_within_a_round() -> None:
    # A round in which everything is slow changes no ratio.
    assert ratio([100, 10, 100], [50, 5, 50]) == Spread(2, 2, 2)


def test_every_round_visits_everybody_and_begins_with_another() -> None:
    visits: list[str] = []

    def visit(name: str) -> int:
        visits.append(name)
        return len(visits)

    found = interleave(["a", "b", "c"], 3, visit)
    assert visits == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert found == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_failed_requests_are_counted() -> None:
    assert Course([replace(SAMPLE, refused=2), replace(SAMPLE, broken=3)]).failed == 5


@pytest.mark.parametrize(("found", "met"), [(1.49, False), (1.5, True), (9.0, True)])
def test_at_least(found: float, met: bool) -> None:
    assert at_least("x", Spread.of([found]), 1.5).met is met


@pytest.mark.parametrize(("found", "met"), [(0.1, True), (0.2, True), (0.21, False)])
def test_at_most(found: float, met: bool) -> None:
    assert at_most("x", found, 0.2).met is met


def test_verdicts_compare_with_each_peer() -> None:
    many = {
        "gateway": course(1000.0, 1200.0),
        "haproxy": course(2000.0, 2400.0, p99=100.0),
        "fastify": course(990.0, 990.0),
    }
    alone = {"gateway": course(1, p50=250.0), DIRECT: course(1, p50=100.0)}
    found = {verdict.what: verdict for verdict in throughput_verdicts(many, alone)}
    assert found["requests/s, times HAProxy's"].met is True
    assert found["requests/s, times Fastify's"].met is False
    assert found["requests/s, times Caddy's"].met is None
    assert found["added to the median, 1 connection"].measured == "0.15 ms"
    assert found["p99, times HAProxy's"].measured == "4.00 ×"
    assert found["p99, times HAProxy's"].met is False


def test_the_report_says_what_was_missed_and_what_is_open() -> None:
    verdicts = [Verdict("speed", "1", "2", False), Verdict("size", "1", "2", True), Verdict("rest", "?", "2", None)]
    text = markdown([Figure("f", "A figure", table(("a", "b"), [["1", "2"]]), verdicts)], FACTS, "Pinned.", 3)
    assert "| speed | 1 | 2 | **missed** |" in text
    assert "| size | 1 | 2 | met |" in text
    assert "| rest | ? | 2 | – |" in text
    assert "### A figure\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |" in text
    assert "Some CPU, 2 cores" in text
    assert "Load average when it began: 0.1." in text


def test_the_page_keeps_what_stands_around_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    put(page, "figures", "new")
    put(page, "figures", "newer")
    assert page.read_text() == "before\n<!-- figures -->\n\nnewer\n\n<!-- /figures -->\nafter\n"


def test_a_page_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text\n")
    with pytest.raises(ValueError, match="no place"):
        put(page, "figures", "new")
    assert page.read_text() == "text\n"
