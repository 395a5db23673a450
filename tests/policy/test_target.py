"""Which request targets are read, and as what."""

import pytest

from gateway.errors import TargetRefused
from gateway.policy.target import Target, read_target
from gateway.reasons import Reason

LIMIT = 8192

READ = {
    b"/": ("",),
    b"/a": ("a",),
    b"/a/": ("a", ""),
    b"/a/b": ("a", "b"),
    b"/api/orders/7": ("api", "orders", "7"),
    b"/index.html": ("index.html",),
    b"/v1.2/x": ("v1.2", "x"),
    b"/a..b/c.": ("a..b", "c."),
    b"/.well-known/jwks.json": (".well-known", "jwks.json"),
    b"/...": ("...",),
    b"/..a/.b": ("..a", ".b"),
    b"/%61dmin": ("admin",),
    b"/a%20b": ("a b",),
    b"/report%2Epdf": ("report.pdf",),
    b"/caf%C3%A9": ("café",),
    b"/%F0%9F%98%80": ("😀",),
    b"/100%25": ("100%",),
    b"/100%25zz": ("100%zz",),
    b"/a|b\"c<d>^`{e}~!$&'()*+,=:@[x]": ("a|b\"c<d>^`{e}~!$&'()*+,=:@[x]",),
}

MARKED = {
    b"//": {"//"},
    b"//admin/x": {"//"},
    b"/a//b": {"//"},
    b"/a///b": {"//"},
    b"/a;b=c": {";"},
    b"/a%2fb": {"%2F"},
    b"/a%2Fb": {"%2F"},
    b"/a%5cb": {"%5C"},
    b"/a%3Bb": {"%3B"},
    b"/a%3fb": {"%3F"},
    b"/a%23b": {"%23"},
    b"/a%2541": {"%25"},
    b"/a%252fb": {"%25"},
    b"/a%25%32%66b": {"%25"},
    b"/a%25u002fb": {"%25"},
    b"/a;x//b%2fc%5Cd%3be%3ff%23g%2541": {";", "//", "%2F", "%5C", "%3B", "%3F", "%23", "%25"},
}

REFUSED = {
    "empty": (b"", "no leading slash"),
    "no slash": (b"admin/x", "no leading slash"),
    "asterisk": (b"*", "no leading slash"),
    "authority": (b"gw.test:443", "no leading slash"),
    "query only": (b"?a=b", "no leading slash"),
    "other scheme": (b"ftp://gw.test/x", "no leading slash"),
    "scheme and one slash": (b"http:/admin/x", "no leading slash"),
    "dot": (b"/a/./b", "dot segment"),
    "dot dot": (b"/a/../b", "dot segment"),
    "final dot": (b"/a/.", "dot segment"),
    "final dot dot": (b"/a/..", "dot segment"),
    "first dot dot": (b"/../a", "dot segment"),
    "dot dot alone": (b"/..", "dot segment"),
    "encoded": (b"/a/%2e%2e/b", "encoded dot"),
    "half encoded": (b"/a/.%2E/b", "encoded dot"),
    "other half encoded": (b"/a/%2E./b", "encoded dot"),
    "single encoded": (b"/a/%2e/b", "encoded dot"),
    "twice encoded": (b"/a/%252e%252e/b", "dot segment"),
    "half twice encoded": (b"/a/.%252e/b", "dot segment"),
    "three times encoded": (b"/a/%25252e%25252e/b", "dot segment"),
    "ten times encoded": (b"/a/%" + b"25" * 10 + b"2e./b", "dot segment"),
    "escape made of escapes": (b"/a/.%25%32%65/b", "dot segment"),
    "utf-16 escape": (b"/a/%25u002e%25u002e/b", "dot segment"),
    "with parameters": (b"/a/..;/b", "dot segment"),
    "with a named parameter": (b"/a/..;x=1/b", "dot segment"),
    "with encoded parameters": (b"/a/..%3bx/b", "dot segment"),
    "with doubly encoded parameters": (b"/a/..%253bx/b", "dot segment"),
    "behind parameters": (b"/public;/../admin/x", "dot segment"),
    "before an encoded query": (b"/a/..%3fx", "dot segment"),
    "before an encoded fragment": (b"/a/..%23x", "dot segment"),
    "with a space": (b"/a/..%20/b", "dot segment"),
    "after a space": (b"/a/%20../b", "dot segment"),
    "with a no-break space": (b"/a/..%C2%A0/b", "dot segment"),
    "with a tab": (b"/a/..%09/b", "control character"),
    "with NUL": (b"/a/.%00./b", "control character"),
    "dot with NUL": (b"/a/.%00/b", "control character"),
    "split by an encoded slash": (b"/public%2f..%2fadmin/x", "dot segment"),
    "split by an upper-case slash": (b"/public%2F..%2Fadmin/x", "dot segment"),
    "split by a doubly encoded slash": (b"/public%252f..%252fadmin", "dot segment"),
    "split by an encoded backslash": (b"/public%5c..%5cadmin/x", "dot segment"),
    "split by a doubly encoded backslash": (b"/public%255c..%255cadmin", "dot segment"),
    "full-width dots": (b"/a/%EF%BC%8E%EF%BC%8E/b", "dot segment"),
    "two dot leader": (b"/a/%E2%80%A5/b", "dot segment"),
    "split by a full-width slash": (b"/a%EF%BC%8F..%EF%BC%8Fb", "dot segment"),
    "encoded dot at the end of a name": (b"/api%2e/admin/secret", "encoded dot"),
    "encoded dot at the end": (b"/api%2E", "encoded dot"),
    "encoded dot at the start of a name": (b"/%2egit/config", "encoded dot"),
    "backslash": (b"/a\\b", "backslash"),
    "leading backslash": (b"/\\admin/x", "backslash"),
    "NUL": (b"/a%00", "control character"),
    "doubly encoded NUL": (b"/a%2500", "control character"),
    "encoded line feed": (b"/admin/x%0a", "control character"),
    "encoded carriage return": (b"/admin/%0d", "control character"),
    "encoded DEL": (b"/a%7f", "control character"),
    "raw NUL": (b"/a\x00b", "control character"),
    "raw tab": (b"/a\tb", "control character"),
    "raw line feed": (b"/a\n", "control character"),
    "raw DEL": (b"/a\x7f", "control character"),
    "raw non-ASCII": (b"/caf\xc3\xa9", "byte outside ASCII"),
    "raw latin-1": (b"/caf\xe9", "byte outside ASCII"),
    "space": (b"/a b", "space"),
    "trailing space": (b"/a ", "space"),
    "fragment": (b"/admin/x#/public/y", "fragment"),
    "bare percent": (b"/a%", "invalid escape"),
    "half an escape": (b"/a%2", "invalid escape"),
    "no hex": (b"/a%z1", "invalid escape"),
    "escape across a slash": (b"/a%2/e", "invalid escape"),
    "raw utf-16 escape": (b"/%u002e%u002e/", "invalid escape"),
    "overlong dot": (b"/a/%c0%ae%c0%ae/b", "invalid UTF-8"),
    "overlong slash": (b"/a%c0%afb", "invalid UTF-8"),
    "overlong in three bytes": (b"/a%e0%80%afb", "invalid UTF-8"),
    "doubly encoded overlong dot": (b"/a/%25c0%25ae/b", "invalid UTF-8"),
    "surrogate": (b"/%ed%a0%80", "invalid UTF-8"),
    "latin-1 escape": (b"/caf%e9", "invalid UTF-8"),
    "character across segments": (b"/%c3/%a9", "invalid UTF-8"),
    "beyond Unicode": (b"/%f4%90%80%80", "invalid UTF-8"),
    "query with a control character": (b"/a?b\x01", "control character"),
    "query with a space": (b"/a?b c", "space"),
    "query with a fragment": (b"/a?b#c", "fragment"),
    "query with non-ASCII": (b"/a?\xc3\xa9", "byte outside ASCII"),
    "absolute without a host": (b"http:///x", "malformed authority"),
    "absolute with userinfo": (b"http://u@gw.test/x", "malformed authority"),
    "absolute with a bad port": (b"http://gw.test:99999/x", "malformed authority"),
    "absolute with a fragment": (b"http://gw.test#/x", "malformed authority"),
    "absolute with a backslash": (b"http://gw.test\\@evil.test/x", "malformed authority"),
    "absolute with dots": (b"http://gw.test/a/../b", "dot segment"),
}


@pytest.mark.parametrize(("raw", "segments"), READ.items(), ids=[raw.decode() for raw in READ])
def test_plain_targets_are_decoded_once_and_kept_as_received(raw: bytes, segments: tuple[str, ...]) -> None:
    assert read_target(raw, LIMIT) == Target(raw, None, segments, None, frozenset())


@pytest.mark.parametrize(("raw", "marks"), MARKED.items(), ids=[raw.decode() for raw in MARKED])
def test_spellings_that_others_read_differently_are_marked(raw: bytes, marks: set[str]) -> None:
    read = read_target(raw, LIMIT)
    assert read.marks == marks
    assert read.path == raw


@pytest.mark.parametrize(("raw", "why"), REFUSED.values(), ids=REFUSED)
def test_refused_whatever_the_route(raw: bytes, why: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        read_target(raw, LIMIT)
    assert refused.value.reason is Reason.PATH_AMBIGUOUS
    assert refused.value.why.startswith(why)


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        (b"/q", None),
        (b"/q?", b""),
        (b"/q??a", b"?a"),
        (b"/q?a=%zz;b=2&c=+%20&c=3", b"a=%zz;b=2&c=+%20&c=3"),
        (b'/q?a=\\"../%2e%2e//', b'a=\\"../%2e%2e//'),
        (b"/q.%61?a", b"a"),
    ],
    ids=["none", "empty", "second mark", "odd escapes", "backslash, quote and dots", "with an escaped path"],
)
def test_queries_are_never_decoded(raw: bytes, query: bytes | None) -> None:
    read = read_target(raw, LIMIT)
    assert read.query == query
    assert read.marks == frozenset()


@pytest.mark.parametrize(
    ("raw", "authority", "path", "query"),
    [
        (b"http://gw.test/admin/x", "gw.test", b"/admin/x", None),
        (b"https://gw.test:8443/a?b", "gw.test:8443", b"/a", b"b"),
        (b"HTTP://GW.test/a", "GW.test", b"/a", None),
        (b"http://[::1]:80/a", "[::1]:80", b"/a", None),
        (b"http://gw.test", "gw.test", b"/", None),
        (b"http://gw.test?b", "gw.test", b"/", b"b"),
        (b"http://gw.test//x", "gw.test", b"//x", None),
    ],
)
def test_absolute_form(raw: bytes, authority: str, path: bytes, query: bytes | None) -> None:
    read = read_target(raw, LIMIT)
    assert (read.authority, read.path, read.query) == (authority, path, query)


def test_a_url_in_the_path_is_a_path() -> None:
    assert read_target(b"/http://evil.test/x", LIMIT).authority is None


def test_the_limit_counts_the_whole_target_and_goes_first() -> None:
    assert read_target(b"/" + b"a" * 9, 10).path == b"/aaaaaaaaa"
    with pytest.raises(TargetRefused) as refused:
        read_target(b"/../" + b"a" * 7, 10)
    assert refused.value.reason is Reason.TARGET_TOO_LONG


def test_what_was_found_is_not_told_to_the_caller() -> None:
    with pytest.raises(TargetRefused) as refused:
        read_target(b"/a/../secret", LIMIT)
    assert refused.value.detail == Reason.PATH_AMBIGUOUS.sentence
