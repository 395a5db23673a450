"""Path and host patterns as the configuration writes them."""

import pytest

from gateway.errors import GatewayError
from gateway.policy.patterns import HostPattern, PathPattern, PatternError
from tests.policy.builders import target

MATCHES = [
    ("/", "/", True),
    ("/", "/a", False),
    ("/a", "/a", True),
    ("/a", "/a/", False),
    ("/a", "/A", False),
    ("/a", "/%61", True),
    ("/a/", "/a/", True),
    ("/a/", "/a", False),
    ("/items/{id}", "/items/1", True),
    ("/items/{id}", "/items/1/", False),
    ("/items/{id}", "/items/", False),
    ("/items/{id}", "/items", False),
    ("/items/{id}", "/items/1/2", False),
    ("/items/{id}/", "/items/1/", True),
    ("/{a}/{b}", "/1/2", True),
    ("/public/**", "/public", True),
    ("/public/**", "/public/", True),
    ("/public/**", "/public/a/b", True),
    ("/public/**", "/publicity", False),
    ("/public/**", "/", False),
    ("/{tenant}/**", "/x", True),
    ("/{tenant}/**", "/", False),
    ("/**", "/", True),
    ("/**", "/a/b/", True),
    ("/a b", "/a%20b", True),
    ("/café", "/caf%C3%A9", True),
]

BAD_PATHS = {
    "empty": ("", 0),
    "no slash": ("a", 0),
    "empty segment": ("/a//b", 3),
    "leading empty segment": ("//a", 1),
    "dot": ("/a/./b", 3),
    "dot dot": ("/a/..", 3),
    "dots and a space": ("/a/.. ", 3),
    "star inside": ("/a/b*", 4),
    "single star": ("/a/*", 3),
    "rest in the middle": ("/a/**/b", 3),
    "rest with text": ("/a/x**", 4),
    "parameter with text": ("/a/x{id}", 4),
    "text after parameter": ("/a/{id}x", 3),
    "stray brace": ("/a/b}", 4),
    "unnamed parameter": ("/a/{}", 4),
    "odd name": ("/a/{user-id}", 4),
    "typed parameter": ("/a/{id:int}", 4),
    "same name twice": ("/{id}/x/{id}", 8),
    "query": ("/a?b", 2),
    "fragment": ("/a#b", 2),
    "backslash": ("/a\\b", 2),
    "escape": ("/a%2Fb", 2),
    "control character": ("/a\n", 2),
    "too deep": ("/a" * 65, 0),
}

BAD_HOSTS = ["", "*", "*.", "a.*", "*a.example", "a b", "a/b", "u@a", "bücher.example", "*.[::1]", "a..b"]


@pytest.mark.parametrize(("pattern", "path", "expected"), MATCHES, ids=[f"{p} {t}" for p, t, _ in MATCHES])
def test_paths(pattern: str, path: str, expected: bool) -> None:
    assert PathPattern.parse(pattern).matches(target(path).segments) is expected


@pytest.mark.parametrize(("text", "offset"), BAD_PATHS.values(), ids=BAD_PATHS)
def test_bad_paths_say_where(text: str, offset: int) -> None:
    with pytest.raises(PatternError) as error:
        PathPattern.parse(text)
    assert error.value.offset == offset
    assert error.value.why
    assert isinstance(error.value, GatewayError)


def test_parameters_are_taken_decoded_from_their_places() -> None:
    pattern = PathPattern.parse("/users/{user}/files/{name}/**")
    assert pattern.captures == (("user", 1), ("name", 3))
    params = pattern.params(target("/users/caf%C3%A9/files/a%20b/c/d").segments)
    assert params == {"user": "café", "name": "a b"}


def test_the_values_of_a_pattern_without_parameters_cannot_be_written_to() -> None:
    params = PathPattern.parse("/a").params(("a",))
    assert params == {}
    assert not hasattr(params, "__setitem__")


def test_shapes_ignore_the_names_of_parameters_only() -> None:
    shape = PathPattern.parse("/a/{id}").shape()
    assert shape == PathPattern.parse("/a/{name}").shape()
    assert shape != PathPattern.parse("/a/{id}/**").shape()
    assert shape != PathPattern.parse("/b/{id}").shape()


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("api.example", "api.example", True),
        ("API.Example", "api.example", True),
        ("api.example.", "api.example", True),
        ("api.example", "x.api.example", False),
        ("*.example", "a.example", True),
        ("*.example", "a.b.example", True),
        ("*.example", "example", False),
        ("*.example", "badexample", False),
        ("*.Example", "a.example", True),
        ("[::1]", "[::1]", True),
        ("[0:0::1]", "[::1]", True),
    ],
)
def test_hosts(pattern: str, host: str, expected: bool) -> None:
    assert HostPattern.parse(pattern).matches(host) is expected


@pytest.mark.parametrize("text", BAD_HOSTS)
def test_bad_hosts(text: str) -> None:
    with pytest.raises(PatternError):
        HostPattern.parse(text)


@pytest.mark.parametrize(("text", "offset"), [("api.example:80", 11), ("*.example:80", 9), ("[::1]:80", 5)])
def test_a_port_in_a_host_pattern_is_pointed_at(text: str, offset: int) -> None:
    with pytest.raises(PatternError) as error:
        HostPattern.parse(text)
    assert error.value.offset == offset


@pytest.mark.parametrize("text", ["api.example", "*.example", "[::1]"])
def test_hosts_print_as_written(text: str) -> None:
    assert str(HostPattern.parse(text)) == text
