"""Which header fields a client sees of an upstream's answer."""

import pytest

from gateway.errors import UpstreamFailed
from gateway.policy.route import Forwarding
from gateway.proxy.headers import HeaderRules, response_headers

Fields = list[tuple[bytes, bytes]]


def seen(*fields: tuple[bytes, bytes], status: int = 200, **forwarding: object) -> Fields:
    headers = response_headers(
        HeaderRules(),
        list(fields),
        status=status,
        request_id="rid-1",
        forwarding=Forwarding(**forwarding),  # type: ignore[arg-type]
        upstream="svc",
    )
    assert headers[-1] == (b"x-request-id", b"rid-1")
    return headers[:-1]


def test_order_and_duplicates_are_kept_and_names_lowered() -> None:
    fields = [(b"Set-Cookie", b"a=1"), (b"X-A", b"1"), (b"set-cookie", b"b=2; Path=/"), (b"Server", b"s")]
    assert seen(*fields) == [
        (b"set-cookie", b"a=1"),
        (b"x-a", b"1"),
        (b"set-cookie", b"b=2; Path=/"),
        (b"server", b"s"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        b"Keep-Alive",
        b"Proxy-Connection",
        b"Proxy-Authenticate",
        b"Transfer-Encoding",
        b"Upgrade",
        b"Trailer",
        b"TE",
        b"Gateway-Reason",
        b"gateway_reason",
        b"X-Request-Id",
    ],
)
def test_hop_by_hop_and_the_gateways_own_end_here(name: bytes) -> None:
    assert seen((name, b"x"), (b"x-a", b"1")) == [(b"x-a", b"1")]


@pytest.mark.parametrize("lines", [[b"X-Int"], [b"close, x-int"], [b"", b"x-INT"], [b"keep-alive", b"x-int"]])
def test_fields_named_by_connection_are_removed(lines: list[bytes]) -> None:
    assert seen((b"X-Int", b"1"), *((b"Connection", line) for line in lines)) == []


@pytest.mark.parametrize(
    ("status", "fields", "length"),
    [
        (200, [(b"Content-Length", b"3")], [b"3"]),
        (204, [(b"Content-Length", b"0")], []),
        (304, [(b"Content-Length", b"77")], [b"77"]),
        (200, [(b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked")], []),
        (200, [(b"transfer-encoding", b"chunked"), (b"content-length", b"3")], []),
        (200, [(b"Connection", b"content-length"), (b"Content-Length", b"3")], [b"3"]),
    ],
)
def test_the_length_stays_where_it_may(status: int, fields: Fields, length: list[bytes]) -> None:
    assert [value for name, value in seen(*fields, status=status) if name == b"content-length"] == length


@pytest.mark.parametrize("value", [b"a\x00b", b"a\rb", b"a\nb", b"\x01", b"\x7f"])
def test_control_characters_make_the_answer_invalid(value: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        seen((b"x-a", value))


def test_bytes_above_ascii_and_tabs_pass() -> None:
    assert seen((b"x-a", b"caf\xe9\tx")) == [(b"x-a", b"caf\xe9\tx")]


def test_a_route_removes_and_adds_last() -> None:
    changed = seen(
        (b"X-Powered-By", b"php"),
        response_headers_remove=frozenset({b"x-powered-by"}),
        response_headers_add=((b"x-frame-options", b"DENY"),),
    )
    assert changed == [(b"x-frame-options", b"DENY")]
