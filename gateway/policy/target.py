"""The request target, read once: the bytes that go upstream and the segments that policy sees."""

import re
from typing import NamedTuple

from gateway.errors import Refusal, TargetRefused
from gateway.policy.escapes import decode_segments, refuse_hidden_dots
from gateway.policy.host import read_host
from gateway.reasons import Reason


class Target(NamedTuple):
    """A target that can be read in one way, but for its marks.

    `path` and `query` are exactly as received; `query` is None without a `?`. `segments` are percent-decoded:
    `/a/b/` gives `('a', 'b', '')` and `/` gives `('',)`. `authority` is the `host[:port]` of an absolute-form
    target. `marks` are the spellings other parsers read differently, a subset of
    `{"%2F", "%5C", "%3B", "%3F", "%23", "%25", ";", "//"}`: only a route that allows them may be matched.

    A tuple, because one is made for every request and a frozen dataclass costs four times as much.
    """

    path: bytes
    query: bytes | None
    segments: tuple[str, ...]
    authority: str | None
    marks: frozenset[str]


_NO_MARKS: frozenset[str] = frozenset()

# Visible ASCII without # % . / ; ? \ opens a segment, and a dot may follow: nothing here needs a second look.
_OPENING = rb"\x21\x22\x24\x26-\x2d\x30-\x3a\x3c-\x3e\x40-\x5b\x5d-\x7e"
_PLAIN = re.compile(rb"((?:/[" + _OPENING + rb"][" + _OPENING + rb".]*)+/?|/)(?:\?([\x21\x22\x24-\x7e]*))?").fullmatch
_ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)
_MARKS = re.compile(rb"%(?:2f|5c|3b|3f|23)|;|//", re.IGNORECASE)
_DOUBLY_ENCODED = re.compile(r"%(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")
_REFUSED_ANYWHERE = (
    (re.compile(rb"[\x00-\x1f\x7f]"), "control character"),
    (re.compile(rb"[\x80-\xff]"), "byte outside ASCII"),
    (re.compile(rb" "), "space"),
    (re.compile(rb"#"), "fragment"),
)


def read_target(raw: bytes, limit: int) -> Target:
    """Read a request target of at most `limit` bytes, in origin or absolute form (RFC 9112 3.2).

    Raises `TargetRefused`: `TARGET_TOO_LONG`, or `PATH_AMBIGUOUS` for what no route can allow.
    """
    if len(raw) > limit:
        raise TargetRefused(Reason.TARGET_TOO_LONG, f"longer than {limit} bytes")
    plain = _PLAIN(raw)
    if plain is None:
        return _read_unusual(raw)
    path, query = plain.groups()
    return Target(path, query, tuple(path[1:].decode("ascii").split("/")), None, _NO_MARKS)


def _read_unusual(raw: bytes) -> Target:
    authority, rest = _split_authority(raw)
    path, question_mark, query = rest.partition(b"?")
    if authority is not None and not path:
        path = b"/"  # an absolute-form target without a path means the root (RFC 9112 3.2.1).
    for part in (path, query):
        _refuse_bytes(part)
    if not path.startswith(b"/"):
        raise _ambiguous("no leading slash")
    if b"\\" in path:
        raise _ambiguous("backslash")
    segments = decode_segments(path)
    refuse_hidden_dots(path)
    return Target(path, query if question_mark else None, segments, authority, _marks(path, segments))


def _split_authority(raw: bytes) -> tuple[str | None, bytes]:
    absolute = _ABSOLUTE.fullmatch(raw)
    if absolute is None:
        return None, raw
    authority, rest = absolute.groups()
    try:
        read_host(authority)
    except Refusal:
        raise _ambiguous("malformed authority") from None
    return authority.decode("ascii"), rest


def _refuse_bytes(part: bytes) -> None:
    for pattern, why in _REFUSED_ANYWHERE:
        if pattern.search(part):
            raise _ambiguous(why)


def _marks(path: bytes, segments: tuple[str, ...]) -> frozenset[str]:
    marks = {found.decode("ascii").upper() for found in _MARKS.findall(path)}
    if any(map(_DOUBLY_ENCODED.search, segments)):
        marks.add("%25")
    return frozenset(marks)


def _ambiguous(why: str) -> TargetRefused:
    return TargetRefused(Reason.PATH_AMBIGUOUS, why)
