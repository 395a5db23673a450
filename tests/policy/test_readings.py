"""Marked paths: allowed by the route, and won by it in every reading."""

import pytest

from gateway.policy.readings import other_readings
from gateway.policy.table import AmbiguousPath, Match
from tests.policy.builders import ADMIN, ALL_MARKS, AUTHENTICATED, OWNER, PUBLIC, find, route, target

READINGS = {
    "/a//b": {"/a/b"},
    "/a/b//": {"/a/b/"},
    "/a%2Fb": {"/a/b"},
    "/a%5Cb": {"/a/b"},
    "/a;x/b": {"/a/b", "/a"},
    "/a/b;x": {"/a/b"},
    "/a;x/b;y": {"/a/b", "/a", "/a;x/b"},
    "/a%3Fb": {"/a"},
    "/a%23b": {"/a"},
    "/a%2541": {"/aA"},
    "/a%252Fb": {"/a|b", "/a/b"},
    "/%2Fa": {"//a", "/a"},
}

ALLOWED_AND_AGREED = [
    "/f//b",
    "/f/a;v=1",
    "/f/a%2Fb",
    "/f/a%5Cb",
    "/f/a%3Fb",
    "/f/a%23b",
    "/f/a%2541",
    "/f/a%3Bb",
]

ANOTHER_ROUTE = {
    "encoded slash into admin": "/public%2Fx",
    "leading slashes": "//admin/x",
    "encoded leading slash": "/%2Fadmin/x",
    "encoded backslash": "/%5cadmin/x",
    "parameters on the admin segment": "/admin;a=b/x",
    "parameters on the last segment": "/admin;a=b",
    "encoded parameters": "/admin%3Bx",
    "encoded query": "/admin%3Fx",
    "encoded fragment": "/admin%23/public/x",
    "doubly encoded": "/%2561dmin/x",
    "doubly encoded slash": "/admin%252Fx",
    "encoded slash behind admin": "/admin%2Fx",
}


def _reading(path: str) -> tuple[str, ...]:
    """`|` stands for a slash that this reader leaves inside the segment."""
    return tuple(segment.replace("|", "/") for segment in path[1:].split("/"))


@pytest.mark.parametrize(("raw", "expected"), READINGS.items(), ids=READINGS)
def test_the_readings_of_a_path(raw: str, expected: set[str]) -> None:
    read = target(raw)
    readings = other_readings(read.segments)
    assert readings is not None
    assert {_reading(path) for path in expected} <= set(readings)
    assert read.segments not in readings


def test_a_plain_path_has_one_reading() -> None:
    assert other_readings(("a", "b", "")) == []


@pytest.mark.parametrize("raw", ["/a;b//c%2Fd%5Ce%3Ff%23g%2541" * 60, "/%" + "25" * 300, "//a%2Fb" * 4000])
def test_too_many_readings_are_not_looked_at(raw: str) -> None:
    assert other_readings(target(raw).segments) is None
    assert isinstance(find([route("/**", allow=ALL_MARKS)], raw), AmbiguousPath)


@pytest.mark.parametrize("raw", ALLOWED_AND_AGREED)
def test_a_route_gets_the_marks_it_allows(raw: str) -> None:
    outcome = find([route("/f/**", allow=ALL_MARKS)], raw)
    assert isinstance(outcome, Match)
    assert outcome.route.name == "/f/**"


@pytest.mark.parametrize("raw", ALLOWED_AND_AGREED)
def test_and_no_others(raw: str) -> None:
    marks = target(raw).marks
    outcome = find([route("/f/**", allow=ALL_MARKS - marks)], raw)
    assert outcome == AmbiguousPath(min(marks))


@pytest.mark.parametrize("raw", ANOTHER_ROUTE.values(), ids=ANOTHER_ROUTE)
def test_a_reading_that_belongs_to_another_route_is_refused(raw: str) -> None:
    routes = [
        route("/**", access=PUBLIC, allow=ALL_MARKS),
        route("/public/**", access=PUBLIC, allow=ALL_MARKS),
        route("/admin/**", access=ADMIN, allow=ALL_MARKS),
    ]
    assert isinstance(find(routes, raw), AmbiguousPath)


def test_a_reading_that_belongs_to_no_route_is_refused() -> None:
    assert isinstance(find([route("/f/{name}", allow=ALL_MARKS)], "/f/a%2Fb"), AmbiguousPath)


def test_a_reading_that_the_method_would_take_elsewhere_is_refused() -> None:
    routes = [route("/f/**", allow=ALL_MARKS), route("/f/a/b", "POST", allow=ALL_MARKS)]
    assert isinstance(find(routes, "/f/a%2Fb", "GET"), AmbiguousPath)


def test_a_method_nobody_takes_is_told_where_the_marks_are_allowed() -> None:
    allowing = find([route("/f/**", "GET", allow=ALL_MARKS)], "/f/a%2Fb", "POST")
    assert type(allowing).__name__ == "MethodNotAllowed"


@pytest.mark.parametrize(("access", "expected"), [(OWNER, AmbiguousPath), (AUTHENTICATED, Match)], ids=["owner", "any"])
def test_a_value_that_access_depends_on_is_the_same_in_every_reading(access: object, expected: type) -> None:
    """One reader sees the caller as owner of `me`, another the files of `victim`."""
    routes = [route("/{tenant}/{id}/**", access=access, allow=ALL_MARKS)]  # type: ignore[arg-type]
    assert isinstance(find(routes, "/t%2Fvictim/me/x"), expected)
