"""What reaches an upstream's socket, byte for byte."""

import ipaddress
from collections.abc import Iterator

import pytest

from tests.proxy.harness import ForwardServer, forwarding_to, route_for
from tests.support.raw_client import RawClient, ask, get
from tests.support.raw_upstream import RawUpstream, answers, ok


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with RawUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(upstream: RawUpstream) -> Iterator[ForwardServer]:
    with forwarding_to(upstream.url) as running:
        yield running


@pytest.mark.parametrize(
    "target", ["/", "/a%2Fb/%20c%C3%A9%7e", "/a//b", "/a;b=c|d", "/q", "/q?", "/?a=%zz;b=2&c=+%20&c=3"]
)
def test_the_target_is_sent_as_received(upstream: RawUpstream, gateway: ForwardServer, target: str) -> None:
    assert get(gateway.port, target).status == 200
    assert upstream.requests[-1].start == f"GET {target} HTTP/1.1".encode()


@pytest.mark.parametrize("method", ["GET", "get", "PURGE", "PROPFIND", "OPTIONS", "DELETE", "M-SEARCH"])
def test_the_method_is_sent_as_received(upstream: RawUpstream, gateway: ForwardServer, method: str) -> None:
    answer = ask(gateway.port, f"{method} / HTTP/1.1\r\nHost: gw.test\r\n\r\n".encode())
    # A parser that knows no lower-case methods refuses them; what is passed on is passed on unchanged.
    assert answer.status == 400 or upstream.requests[-1].start == f"{method} / HTTP/1.1".encode()


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_tunnels_and_echoes_are_never_forwarded(upstream: RawUpstream, gateway: ForwardServer, method: str) -> None:
    before = upstream.hits
    assert ask(gateway.port, f"{method} / HTTP/1.1\r\nHost: gw.test\r\n\r\n".encode()).status >= 400
    assert upstream.hits == before


def test_fields_keep_order_and_duplicates_and_nothing_is_added_but_ours(
    upstream: RawUpstream, gateway: ForwardServer
) -> None:
    get(gateway.port, "/", "X-A: 1", "x-b: caf\xe9", "X-A: 2", "X-Empty:")
    names = [name for name, _ in upstream.requests[-1].fields]
    assert names[:5] == [b"host", b"x-a", b"x-b", b"x-a", b"x-empty"]
    assert set(names[5:]) == {
        b"via",
        b"x-forwarded-proto",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-request-id",
        b"traceparent",
        b"x-user-id",
        b"x-user-email",
        b"x-user-display-name",
        b"x-user-role",
        b"x-session-id",
    }
    assert upstream.requests[-1].all(b"x-b") == [b"caf\xe9"]


def test_identity_survives_a_client_that_lists_it_in_connection(upstream: RawUpstream, gateway: ForwardServer) -> None:
    get(gateway.port, "/", "Connection: close, X-User-Id, Authorization", "X-User-Id: admin", "X_User_Id: admin")
    assert upstream.requests[-1].all(b"x-user-id") == [b"7b0c"]
    assert b"admin" not in upstream.requests[-1].head


@pytest.mark.parametrize(
    ("request_bytes", "length", "coding", "body"),
    [
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", b"5", None, b"hello"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", b"0", None, b""),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
            None,
            b"chunked",
            b"hello!",
        ),
        (b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None, b"chunked", b""),
        (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", b"3", None, b"abc"),
        (b"DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", b"3", None, b"abc"),
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", None, None, b""),
        (b"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", None, None, b""),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x00\xff",
            b"4",
            None,
            b"\x1f\x8b\x00\xff",
        ),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nConnection: Content-Length\r\nContent-Length: 3\r\n\r\nabc",
            b"3",
            None,
            b"abc",
        ),
    ],
    ids=["length", "zero", "chunked", "chunked empty", "GET", "DELETE", "no body", "no body 2", "gzip", "listed"],
)
def test_a_body_arrives_with_its_framing(
    upstream: RawUpstream,
    gateway: ForwardServer,
    request_bytes: bytes,
    length: bytes | None,
    coding: bytes | None,
    body: bytes,
) -> None:
    assert ask(gateway.port, request_bytes).status == 200
    seen = upstream.requests[-1]
    assert (seen.one(b"content-length"), seen.one(b"transfer-encoding"), seen.body) == (length, coding, body)


def test_a_megabyte_arrives_unchanged(upstream: RawUpstream, gateway: ForwardServer) -> None:
    body = bytes(range(256)) * 4096
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert ask(gateway.port, head + body).status == 200
    assert upstream.requests[-1].body == body


@pytest.mark.parametrize("trailer", [b"X-User-Id: admin", b"Authorization: Basic x", b"Content-Length: 1"])
def test_a_trailer_never_becomes_a_field(upstream: RawUpstream, gateway: ForwardServer, trailer: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-User-Id\r\n\r\n"
    before = upstream.hits
    answer = ask(gateway.port, head + b"1\r\na\r\n0\r\n" + trailer + b"\r\n\r\n")
    seen = upstream.requests[before:]
    # One that the server's parser does not accept breaks the request off; the upstream then never sees its end.
    assert answer.status == 200 or (answer.status == 400 and not any(request.complete for request in seen))
    for request in seen:
        assert trailer not in request.head
        assert request.one(b"trailer") is None
        assert request.all(b"x-user-id") == [b"7b0c"]


def test_prefixes_host_and_edits_of_a_route_are_applied(upstream: RawUpstream) -> None:
    route = route_for(strip_prefix=b"/api", add_prefix=b"/v1", request_headers_add=((b"x-env", b"test"),))
    with forwarding_to(upstream.url, base="/base/", route=route, preserve_host=True) as gateway:
        get(gateway.port, "/api/orders/7?x=%20")
    seen = upstream.requests[-1]
    assert seen.target == b"/base/v1/orders/7?x=%20"
    assert (seen.one(b"host"), seen.one(b"x-env")) == (b"gw.test", b"test")


def test_a_trusted_peer_is_continued_and_a_stranger_is_not(upstream: RawUpstream) -> None:
    trusted = (ipaddress.ip_network("127.0.0.0/8"),)
    with forwarding_to(upstream.url, trusted=trusted) as gateway:
        get(gateway.port, "/", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    assert upstream.requests[-1].all(b"x-forwarded-for") == [b"203.0.113.9, 127.0.0.1"]
    assert upstream.requests[-1].all(b"x-forwarded-proto") == [b"https"]
    with forwarding_to(upstream.url) as gateway:
        get(gateway.port, "/", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "Forwarded: for=1.1.1.1")
    assert upstream.requests[-1].all(b"x-forwarded-for") == [b"127.0.0.1"]
    assert upstream.requests[-1].all(b"x-forwarded-proto") == [b"http"]
    assert upstream.requests[-1].all(b"forwarded") == []


def test_an_upstreams_cookie_for_one_user_is_never_sent_for_another() -> None:
    script = answers(ok(b"", b"Set-Cookie: session=ann; Path=/"))
    with RawUpstream(script) as upstream, forwarding_to(upstream.url.replace("127.0.0.1", "localhost")) as gateway:
        first = get(gateway.port, "/")
        get(gateway.port, "/")
    assert first.all(b"set-cookie") == [b"session=ann; Path=/"]
    assert upstream.requests[1].all(b"cookie") == []


def test_a_redirect_is_passed_on_and_not_followed() -> None:
    script = answers(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    with RawUpstream(script) as upstream, forwarding_to(upstream.url) as gateway:
        answer = get(gateway.port, "/")
    assert (answer.status, answer.one(b"location"), upstream.hits) == (302, b"/elsewhere", 1)


def test_proxy_variables_of_the_environment_are_ignored(upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with forwarding_to(upstream.url) as gateway:
        assert get(gateway.port, "/").status == 200


def test_pipelined_requests_are_answered_in_order(gateway: ForwardServer, upstream: RawUpstream) -> None:
    with RawClient(gateway.port) as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number for number in range(3)))
        assert [client.response().status for _ in range(3)] == [200, 200, 200]
    assert [seen.target for seen in upstream.requests[-3:]] == [b"/0", b"/1", b"/2"]
