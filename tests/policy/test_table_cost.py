"""10,000 routes cost a request no more than ten."""

import sys
import timeit
from types import FrameType
from typing import Any

import pytest

from gateway.policy.route import Route
from gateway.policy.table import Match, RouteTable
from tests.policy.builders import route, target

PROBES = [
    ("api.example", "/svc0/items/7"),
    ("api.example", "/svc0/items/7/more/and/more"),
    ("api.example", "/nothing/here"),
    ("eu.wild.example", "/svc0/items/7"),
    ("elsewhere.test", "/svc0/items/7"),
]


def _many(count: int) -> list[Route]:
    """`count` routes over exact hosts, wildcards and none, with literals and parameters side by side."""
    hosts = ("api.example", "*.wild.example", None)
    routes = []
    for number in range(count):
        tail = ("/items/{id}", "/items/{id}/**", "/{kind}/x")[number // 3 % 3]
        routes.append(route(f"/svc{number // 9}{tail}", host=hosts[number % 3]))
    return routes


def _lines_run(table: RouteTable, host: str, path: str) -> int:
    read, lines = target(path), 0

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal lines
        lines += event == "line" and frame.f_globals["__name__"].startswith("gateway.policy")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        table.match("GET", host, read)
    finally:
        sys.settrace(before)
    return lines


@pytest.fixture(scope="module")
def small() -> RouteTable:
    return RouteTable.build(_many(9))


@pytest.fixture(scope="module")
def large() -> RouteTable:
    return RouteTable.build(_many(10_000))


@pytest.mark.parametrize(("host", "path"), PROBES)
def test_a_match_takes_the_same_steps(small: RouteTable, large: RouteTable, host: str, path: str) -> None:
    steps = _lines_run(small, host, path)
    assert steps > 5
    assert _lines_run(large, host, path) == steps


def test_a_match_takes_about_the_same_time(small: RouteTable, large: RouteTable) -> None:
    read = target("/svc0/items/7")
    assert isinstance(large.match("GET", "api.example", read), Match)
    few, many = (
        min(timeit.repeat(lambda t=table: t.match("GET", "api.example", read), number=300, repeat=15))  # type: ignore[misc]
        for table in (small, large)
    )
    assert many < 4 * few


def test_a_match_does_not_walk_deeper_than_the_patterns(small: RouteTable) -> None:
    shallow = _lines_run(small, "api.example", "/svc0/items/7/z")
    assert _lines_run(small, "api.example", "/svc0/items/7" + "/z" * 2000) == shallow
