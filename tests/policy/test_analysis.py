"""Ties and shadows."""

import time

import pytest

from gateway.policy.analysis import find_shadowed, find_ties
from gateway.policy.methods import OPEN_METHODS
from gateway.policy.route import Route
from gateway.policy.table import Match, RouteTable
from tests.policy.builders import ALL_MARKS, route, target

TIES = {
    "same path, both take all": [route("/a"), route("/a")],
    "same path, one method in common": [route("/a", "GET", "PUT"), route("/a", "PUT", "POST")],
    "parameters of different names": [route("/a/{id}"), route("/a/{name}")],
    "same host in another case": [route("/a", host="H.test"), route("/a", host="h.test")],
    "same wildcard": [route("/a/**", host="*.test"), route("/a/**", host="*.Test")],
}

NO_TIES = {
    "different methods": [route("/a", "GET"), route("/a", "POST")],
    "listed beside all": [route("/a", "GET"), route("/a")],
    "literal beside parameter": [route("/a/b"), route("/a/{id}")],
    "with and without slash": [route("/a"), route("/a/")],
    "exact beside rest": [route("/a"), route("/a/**")],
    "different hosts": [route("/a", host="h.test"), route("/a", host="*.test"), route("/a")],
    "different parts": [route("/{a}/b"), route("/a/{b}")],
}

COVERED = [route("/a"), route("/a/"), route("/a/{x}/**", "GET")]


def _names(routes: list[Route]) -> list[tuple[str, str]]:
    return [(shadow.route.name, shadow.by.name) for shadow in find_shadowed(routes)]


@pytest.mark.parametrize("routes", TIES.values(), ids=TIES)
def test_ties(routes: list[Route]) -> None:
    (tie,) = find_ties(routes)
    assert (tie.first, tie.second) == (routes[0], routes[1])


@pytest.mark.parametrize("routes", NO_TIES.values(), ids=NO_TIES)
def test_no_ties(routes: list[Route]) -> None:
    assert find_ties(routes) == []


def test_every_later_route_is_reported_once() -> None:
    routes = [route("/a", "GET", "PUT"), route("/a", "GET", "PUT"), route("/a", "PUT")]
    assert [(tie.first, tie.second) for tie in find_ties(routes)] == [
        (routes[0], routes[1]),
        (routes[0], routes[2]),
    ]


def test_rest_is_shadowed_when_everything_below_is_taken() -> None:
    assert _names([route("/a/**"), *COVERED]) == [("/a/**", "/a/{x}/**")]


@pytest.mark.parametrize("missing", range(3))
def test_rest_is_not_shadowed_while_something_below_is_left(missing: int) -> None:
    assert _names([route("/a/**"), *COVERED[:missing], *COVERED[missing + 1 :]]) == []


def test_rest_is_shadowed_by_parts_of_parts() -> None:
    parts = ["/a", "/a/", "/a/{x}", "/a/{x}/", "/a/{x}/{y}/**"]
    assert _names([route("/a/**"), *map(route, parts)]) == [("/a/**", "/a/{x}/{y}/**")]


def test_rest_of_everything_needs_the_root_and_a_parameter() -> None:
    assert _names([route("/**"), route("/"), route("/{x}/**")]) == [("/**", "/{x}/**")]
    assert _names([route("/**"), route("/{x}/**")]) == []


def test_a_route_that_allows_empty_segments_keeps_them() -> None:
    assert _names([route("/a/**", allow=ALL_MARKS), *COVERED]) == []


def test_another_host_shadows_nothing() -> None:
    assert _names([route("/a/**"), *(route(one.name, host="h.test") for one in COVERED)]) == []


def test_all_methods_are_shadowed_by_a_list_of_all_of_them() -> None:
    routes = [route("/a", name="open"), route("/a", *OPEN_METHODS, name="listed")]
    assert _names(routes) == [("open", "listed")]
    assert _names([route("/a", name="open"), route("/a", *(OPEN_METHODS - {"PURGE"}))]) == []


@pytest.mark.parametrize("path", ["/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/b/c/d"])
@pytest.mark.parametrize("method", sorted(OPEN_METHODS)[:6])
def test_what_is_called_shadowed_is_never_matched(path: str, method: str) -> None:
    shadowed = route("/a/**")
    outcome = RouteTable.build([shadowed, *COVERED]).match(method, "h.test", target(path))
    assert not (isinstance(outcome, Match) and outcome.route is shadowed)


def test_shadows_come_in_the_order_of_the_routes() -> None:
    low = [route("/b/**"), route("/b"), route("/b/"), route("/b/{x}/**")]
    assert [name for name, _ in _names([*low, route("/a/**"), *COVERED])] == ["/b/**", "/a/**"]


def test_ten_thousand_routes_are_judged_at_once() -> None:
    routes = [route(f"/s{number % 100}/r{number}/{{id}}", "GET", "PUT") for number in range(10_000)]
    routes.append(route("/s5/r5/{other}", "PUT"))
    started = time.perf_counter()
    (tie,) = find_ties(routes)
    assert find_shadowed(routes) == []
    assert (tie.first.name, tie.second.name) == ("/s5/r5/{id}", "/s5/r5/{other}")
    assert time.perf_counter() - started < 5
