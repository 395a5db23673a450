"""What request target an upstream is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.route import Forwarding
from gateway.policy.target import Target, read_target
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.upstream import Upstream, strip_prefix
from tests.proxy.targeting import targets_at


def sent(raw: bytes, base: str = "", strip: bytes = b"", add: bytes = b"") -> bytes:
    endpoint = Endpoint.parse("http://svc:8000" + base)
    upstream = Upstream("svc", endpoint, targets_at([endpoint]))
    return upstream.target(read_target(raw, 8192), Forwarding(strip_prefix=strip, add_prefix=add))


@pytest.mark.parametrize(
    "raw",
    [
        b"/",
        b"/a%2Fb/%20c%C3%A9%7e",
        b"/a//b",
        b"//a/b",
        b"/a;b=c|d",
        b"/q",
        b"/q?",
        b"/q??",
        b"/?a=%zz;b=2&c=+%20&c=3",
        b"/q%23f%3Fz",
    ],
)
def test_without_prefixes_the_bytes_received_are_sent(raw: bytes) -> None:
    assert sent(raw) == raw


@pytest.mark.parametrize(
    ("raw", "strip", "target"),
    [
        (b"/api/orders/7?x=1", b"/api", b"/orders/7?x=1"),
        (b"/api", b"/api", b"/"),
        (b"/api?x", b"/api", b"/?x"),
        (b"/api/", b"/api", b"/"),
        (b"/api/x", b"/api/", b"/x"),
        (b"/apiary/x", b"/api", b"/apiary/x"),
        (b"/%61pi/x%2Fy", b"/api", b"/x%2Fy"),
        (b"/a/b/c", b"/a/b", b"/c"),
        (b"/other", b"/api", b"/other"),
        (b"/%C3%BC/x", "/ü".encode(), b"/x"),
    ],
)
def test_a_prefix_is_stripped_on_a_segment_boundary(raw: bytes, strip: bytes, target: bytes) -> None:
    assert sent(raw, strip=strip) == target


@pytest.mark.parametrize(
    ("raw", "base", "add", "target"),
    [
        (b"/x", "/base/", b"", b"/base/x"),
        (b"/x", "/base", b"", b"/base/x"),
        (b"/", "/base/", b"", b"/base/"),
        (b"/x", "/", b"", b"/x"),
        (b"/x", "", b"/v1/", b"/v1/x"),
        (b"/x?q", "/base", b"/v1", b"/base/v1/x?q"),
        (b"/x", "", b"/", b"/x"),
    ],
)
def test_base_and_added_prefix_join_with_one_slash(raw: bytes, base: str, add: bytes, target: bytes) -> None:
    assert sent(raw, base=base, add=add) == target


def test_stripping_never_leaves_two_slashes_in_front() -> None:
    # Some parsers read `//evil.test/x` as a host and a path.
    assert sent(b"/api//evil.test/x", strip=b"/api") == b"/evil.test/x"
    plain = Target(b"/api//x", None, ("api", "", "x"), None, frozenset())
    endpoint = Endpoint.parse("http://svc")
    upstream = Upstream("svc", endpoint, targets_at([endpoint]))
    assert upstream.target(plain, Forwarding(strip_prefix=b"/api")) == b"/x"


def test_an_absolute_form_target_is_sent_in_origin_form() -> None:
    assert sent(b"http://other.test/x?y") == b"/x?y"


@given(st.lists(st.sampled_from([b"a", b"%61", b"api", b"%2F", b"b.c", b""]), min_size=1, max_size=6))
def test_stripping_removes_whole_segments_or_nothing(segments: list[bytes]) -> None:
    path = b"/" + b"/".join(segments)
    left = strip_prefix(path, b"/a")
    assert left.startswith(b"/")
    assert left == path or left == (path[path.index(b"/", 1) :] if b"/" in path[1:] else b"/")


@pytest.mark.parametrize(
    ("url", "authority", "port"),
    [
        ("http://svc", b"svc", 80),
        ("http://svc:80", b"svc", 80),
        ("http://svc:8000/x", b"svc:8000", 8000),
        ("https://svc:443", b"svc", 443),
        ("http://[::1]:8000", b"[::1]:8000", 8000),
    ],
)
def test_an_endpoint_knows_its_host_header_and_port(url: str, authority: bytes, port: int) -> None:
    endpoint = Endpoint.parse(url)
    assert (endpoint.authority, endpoint.port) == (authority, port)


@pytest.mark.parametrize(
    "url",
    ["svc:8000", "ftp://svc", "http://", "http://svc?x=1", "http://svc#f", "http://u:p@svc", "http://svc:x"],
)
def test_anything_but_a_plain_http_url_is_no_endpoint(url: str) -> None:
    with pytest.raises(ValueError, match=r"upstream|[Pp]ort"):
        Endpoint.parse(url)
