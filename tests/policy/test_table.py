"""Which route wins."""

import pytest

from gateway.policy.table import AmbiguousPath, Match, MethodNotAllowed, NoRoute, RouteTable
from tests.policy.builders import find, route, target, winner

PATHS = [
    route("/a"),
    route("/a/"),
    route("/a/**"),
    route("/a/b"),
    route("/a/{id}"),
    route("/a/{id}/c"),
    route("/a/b/d"),
    route("/x/{id}/y"),
    route("/x/1/z"),
    route("/deep/{a}/{b}/end"),
    route("/deep/one/**"),
    route("/deep/{a}/two/end"),
]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a", "/a"),
        ("/a/", "/a/"),
        ("/a/b", "/a/b"),
        ("/a/x", "/a/{id}"),
        ("/a/x/", "/a/**"),
        ("/a/b/c", "/a/{id}/c"),
        ("/a/b/d", "/a/b/d"),
        ("/a/b/e", "/a/**"),
        ("/x/1/y", "/x/{id}/y"),
        ("/x/1/z", "/x/1/z"),
        ("/x/2/z", "NoRoute"),
        ("/deep/one/two/end", "/deep/one/**"),
        ("/deep/x/two/end", "/deep/{a}/two/end"),
        ("/deep/x/three/end", "/deep/{a}/{b}/end"),
        ("/", "NoRoute"),
        ("/A", "NoRoute"),
        ("/b", "NoRoute"),
    ],
)
def test_literal_over_parameter_over_rest_with_a_way_back(path: str, expected: str) -> None:
    assert winner(PATHS, path) == expected


HOSTS = [
    route("/**", host="api.example", name="exact"),
    route("/only", host="eu.api.example", name="exact, one path"),
    route("/**", host="*.example", name="wildcard"),
    route("/**", host="*.api.example", name="longer wildcard"),
    route("/**", name="anywhere"),
]


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("api.example", "/", "exact"),
        ("eu.api.example", "/only", "exact, one path"),
        ("eu.api.example", "/other", "longer wildcard"),
        ("a.b.api.example", "/", "longer wildcard"),
        ("www.example", "/", "wildcard"),
        ("example", "/", "anywhere"),
        ("notapi.example.org", "/", "anywhere"),
        ("[::1]", "/", "anywhere"),
    ],
)
def test_exact_host_over_longer_over_shorter_wildcard_over_none(host: str, path: str, expected: str) -> None:
    assert winner(HOSTS, path, host=host) == expected


METHODS = [
    route("/r/{id}", "GET", "PUT", name="listed"),
    route("/r/{id}", name="all"),
    route("/r/**", name="rest"),
    route("/only/{id}", "GET", name="only-get"),
    route("/only/{id}", "POST", name="only-post"),
    route("/only/**", name="only-rest"),
]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/r/1", "listed"),
        ("POST", "/r/1", "all"),
        ("POST", "/r/1/2", "rest"),
        ("GET", "/only/1", "only-get"),
        ("POST", "/only/1", "only-post"),
        ("DELETE", "/only/1", "MethodNotAllowed"),
        ("HEAD", "/only/1", "MethodNotAllowed"),
        ("get", "/only/1", "MethodNotAllowed"),
        ("DELETE", "/only/1/2", "only-rest"),
    ],
)
def test_the_path_decides_before_the_method(method: str, path: str, expected: str) -> None:
    assert winner(METHODS, path, method) == expected


def test_the_allowed_methods_are_those_of_all_routes_of_the_pattern_sorted() -> None:
    assert find(METHODS, "/only/1", "DELETE") == MethodNotAllowed(("GET", "POST"))


def test_a_looser_host_is_no_way_around_a_method() -> None:
    routes = [route("/a", "GET", host="h.test"), route("/a", host="*.test"), route("/a")]
    assert find(routes, "/a", "POST", "h.test") == MethodNotAllowed(("GET",))
    assert winner(routes, "/a", "POST", "other.test") == "/a"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PROPFIND", "PURGE", "QUERY"])
def test_a_route_without_methods_takes_every_known_one(method: str) -> None:
    assert winner([route("/a")], "/a", method) == "/a"


@pytest.mark.parametrize("method", ["get", "Get", "FOO", "TRACE", "CONNECT", "PRI", "", "GET ", "*"])
def test_a_route_without_methods_takes_no_unknown_one(method: str) -> None:
    expected = MethodNotAllowed(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))
    assert find([route("/a")], "/a", method) == expected


def test_an_unknown_method_may_be_listed_but_trace_and_connect_may_not() -> None:
    routes = [route("/a", "FOO", "TRACE", "CONNECT")]
    assert winner(routes, "/a", "FOO") == "/a"
    assert find(routes, "/a", "TRACE") == find(routes, "/a", "CONNECT") == MethodNotAllowed(("FOO",))


def test_no_routes_no_match() -> None:
    assert find([], "/") == NoRoute()


def test_parameters_come_decoded() -> None:
    outcome = find([route("/u/{user}/f/{file}")], "/u/caf%C3%A9/f/a%20b")
    assert isinstance(outcome, Match)
    assert outcome.params == {"user": "café", "file": "a b"}


def test_parameters_are_called_as_the_winning_route_calls_them() -> None:
    routes = [route("/u/{id}", "GET"), route("/u/{name}", "PUT")]
    outcome = find(routes, "/u/7", "PUT")
    assert isinstance(outcome, Match)
    assert outcome.params == {"name": "7"}


def test_of_routes_that_tie_the_first_written_wins() -> None:
    routes = [route("/u/{id}", "GET", name="first"), route("/u/{name}", "GET", name="second")]
    assert winner(routes, "/u/7") == "first"


def test_routes_are_listed_in_matching_order() -> None:
    shuffled = [
        route("/**"),
        route("/a/**"),
        route("/a/{id}"),
        route("/a/b"),
        route("/a"),
        route("/a/b", "GET", name="listed"),
        route("/**", host="*.example", name="wildcard"),
        route("/**", host="*.api.example", name="longer wildcard"),
        route("/**", host="api.example", name="exact"),
    ]
    names = [one.name for one in RouteTable.build(shuffled).routes]
    hosts = ["exact", "longer wildcard", "wildcard"]
    assert names == [*hosts, "/a", "listed", "/a/b", "/a/{id}", "/a/**", "/**"]


def test_marks_are_refused_even_where_no_route_matches() -> None:
    assert find([route("/a")], "/a%2Fb") == AmbiguousPath("%2F")


def test_ambiguous_comes_before_method_not_allowed() -> None:
    assert find([route("/a/**", "GET")], "/a//b", "POST") == AmbiguousPath("//")


def test_the_host_is_not_part_of_the_target() -> None:
    table = RouteTable.build(HOSTS)
    absolute = target("http://api.example/only")
    assert table.match("GET", "www.example", absolute) == table.match("GET", "www.example", target("/only"))
