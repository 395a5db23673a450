"""The tree against a model: look at every route, keep those that match, take the best."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.route import Route
from gateway.policy.table import Match, MethodNotAllowed, NoRoute, Outcome, RouteTable
from tests.policy.builders import route, target

SEGMENTS = st.sampled_from(["a", "b", "{x}", "{y}"])
ENDS = st.sampled_from(["", "/", "/**"])
HOSTS = st.sampled_from([None, "h.test", "*.test", "*.h.test"])
METHODS = st.sampled_from([(), ("GET",), ("POST",), ("GET", "POST")])
ROUTES = st.lists(st.tuples(st.lists(SEGMENTS, max_size=3, unique=True), ENDS, HOSTS, METHODS), max_size=12)
PATHS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
RANK = {"literal": 0, "param": 1, "rest": 2}


def _routes(specs: list[tuple[list[str], str, str | None, tuple[str, ...]]]) -> list[Route]:
    made = []
    for number, (parts, end, host, methods) in enumerate(specs):
        path = "".join(f"/{part}" for part in parts) + end
        made.append(route(path or "/", *methods, host=host, name=str(number)))
    return made


def _kinds(path: str) -> list[int]:
    return [RANK["rest" if part == "**" else "param" if "{" in part else "literal"] for part in path[1:].split("/")]


def _path_matches(pattern: str, path: str) -> bool:
    expression = re.sub(r"\{\w+\}", "[^/]+", pattern.removesuffix("/**"))
    if pattern.endswith("/**"):
        expression += "(/.*)?"
    return re.fullmatch(expression, path) is not None


def _host_matches(one: Route, host: str) -> bool:
    pattern = str(one.host) if one.host else None
    return pattern is None or pattern == host or (pattern[0] == "*" and host.endswith(pattern[1:]))


def _host_rank(one: Route) -> tuple[int, int]:
    if one.host is None:
        return (2, 0)
    return (1, -len(one.host.name)) if one.host.wildcard else (0, 0)


def _model(routes: list[Route], method: str, host: str, path: str) -> str:
    found = [r for r in routes if _host_matches(r, host) and _path_matches(r.path.text, path)]
    if not found:
        return "NoRoute"
    best = min((_host_rank(r), _kinds(r.path.text)) for r in found)
    rivals = [r for r in found if (_host_rank(r), _kinds(r.path.text)) == best]
    listed = [r for r in rivals if r.methods and method in r.methods]
    winners = listed or [r for r in rivals if r.methods is None]
    return winners[0].name if winners else "MethodNotAllowed"


def _name(outcome: Outcome) -> str:
    return outcome.route.name if isinstance(outcome, Match) else type(outcome).__name__


@given(ROUTES, st.sampled_from(["GET", "POST", "PUT"]), st.sampled_from(["h.test", "x.h.test", "i"]), PATHS)
@settings(max_examples=800)
def test_the_tree_agrees_with_a_scan_of_all_routes(
    specs: list[tuple[list[str], str, str | None, tuple[str, ...]]], method: str, host: str, path: str
) -> None:
    routes = _routes(specs)
    outcome = RouteTable.build(routes).match(method, host, target(path))
    assert _name(outcome) == _model(routes, method, host, path)


@given(ROUTES, PATHS)
@settings(max_examples=300)
def test_the_first_of_the_listed_routes_that_matches_decides(
    specs: list[tuple[list[str], str, str | None, tuple[str, ...]]], path: str
) -> None:
    table = RouteTable.build(_routes(specs))
    outcome = table.match("GET", "h.test", target(path))
    segments = target(path).segments
    found = [r for r in table.routes if _host_matches(r, "h.test") and r.path.matches(segments)]
    if not found:
        assert outcome == NoRoute()
    elif isinstance(outcome, MethodNotAllowed):
        assert "GET" not in (found[0].methods or {"GET"})
    else:
        taking = [r for r in found if r.methods is None or "GET" in r.methods]
        assert isinstance(outcome, Match)
        assert outcome.route is taking[0]
