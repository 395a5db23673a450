"""Targets made of everything that ever fooled a gateway: what is accepted means one thing to everybody."""

import posixpath
import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import TargetRefused
from gateway.policy.decide import decide
from gateway.policy.table import Match, RouteTable
from gateway.policy.target import Target, read_target
from gateway.principal import Anonymous
from tests.policy.builders import ADMIN, ALL_MARKS, OWNER, PUBLIC, route

SPELLINGS = """
    / / / // %2f %2F %252f %5c %5C %255c \\ .. . ... %2e %2E %252e %25%32%65 ..; ..%3b ; ;x ;x=/ %3b %3f %3F ?
    %23 %2523 # admin public %61dmin %2561dmin p%75blic users 7 %20 %09 %00 %0a %7f %c0%ae %c0%af %ef%bc%8e
    %ef%bc%8f %25u002e %25u002f %u002e % %2 %25 %252 %2525 a é | :
"""
PIECES = st.sampled_from(SPELLINGS.split())
TARGETS = st.lists(PIECES, min_size=1, max_size=9).map(lambda pieces: "/" + "".join(pieces))
MARKS = st.frozensets(st.sampled_from(sorted(ALL_MARKS)))


def _collapse(path: str) -> str:
    return "/" + posixpath.normpath("/" + path).lstrip("/")


def _until_nothing_is_left(path: str) -> str:
    for _ in range(20):
        path = re.sub(r";[^/]*", "", unquote(path.replace("\\", "/")))
    return _collapse(re.split("[?#]", path)[0])


DECODERS: dict[str, Callable[[str], str]] = {
    "nothing": _collapse,
    "once": lambda path: _collapse(unquote(path)),
    "twice": lambda path: _collapse(unquote(unquote(path))),
    "backslashes": lambda path: _collapse(unquote(path).replace("\\", "/")),
    "parameters, then escapes": lambda path: _collapse(unquote(re.sub(r";[^/]*", "", path))),
    "escapes, then parameters": lambda path: _collapse(re.sub(r";[^/]*", "", unquote(path))),
    "dots, then escapes": lambda path: _collapse(unquote(_collapse(path))),
    "up to a query": lambda path: _collapse(re.split("[?#]", unquote(path))[0]),
    "latin-1": lambda path: _collapse(unquote(path, encoding="latin-1")),
    "everything": _until_nothing_is_left,
}


def read(raw: str) -> Target | None:
    try:
        return read_target(raw.encode("utf-8"), 8192)
    except TargetRefused:
        return None


def _protected(path: str) -> bool:
    return path == "/admin" or path.startswith("/admin/")


@given(TARGETS)
@settings(max_examples=600)
def test_the_bytes_checked_are_the_bytes_sent(raw: str) -> None:
    target = read(raw)
    if target is None:
        return
    again = read_target(target.path, 8192)
    assert (again.path, again.segments, again.marks) == (target.path, target.segments, target.marks)
    sent = target.path if target.query is None else target.path + b"?" + target.query
    assert sent == raw.encode("ascii")


@given(TARGETS)
@settings(max_examples=600)
def test_no_reader_finds_a_dot_segment_in_what_was_accepted(raw: str) -> None:
    target = read(raw)
    if target is None:
        return
    path = target.path.decode("ascii")
    for readable in (path, unquote(path), unquote(unquote(path)), unquote(unquote(unquote(path)))):
        for segment in re.split(r"[/\\]", readable):
            assert re.split("[;?#]", segment)[0].strip() not in (".", "..")


@given(TARGETS, MARKS)
@settings(max_examples=600)
def test_what_is_answered_to_anybody_is_protected_for_no_reader(raw: str, allowed: frozenset[str]) -> None:
    """The public route may be told to let any marks through: it is still never a way into /admin."""
    routes = [
        route("/public/**", access=PUBLIC, allow=allowed),
        route("/**", "GET", access=PUBLIC, allow=allowed),
        route("/admin/**", access=ADMIN),
        route("/users/{id}/**", access=OWNER, allow=allowed),
    ]
    target = read(raw)
    if target is None:
        return
    outcome = RouteTable.build(routes).match("GET", "gw.test", target)
    if isinstance(outcome, Match) and decide(outcome.route, outcome.params, Anonymous()).allowed:
        path = target.path.decode("ascii")
        seen = {name: decode(path) for name, decode in DECODERS.items()}
        assert not [name for name, path in seen.items() if _protected(path)]


@pytest.mark.parametrize("name", DECODERS)
def test_every_reference_decoder_sees_the_plain_protected_path(name: str) -> None:
    assert _protected(DECODERS[name]("/admin/x"))


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        target = read_target(raw, 50)
    except TargetRefused:
        return
    assert len(target.path) <= 50
    assert target.path.startswith(b"/")
    assert not re.search(r"[\x00-\x1f\x7f]", "".join(target.segments))
