"""Whose word is taken for the client's address."""

import ipaddress

import pytest

from gateway.middleware.forwarded import TrustedProxies, hops_of, scheme_of

TRUSTED = TrustedProxies([ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")])


@pytest.mark.parametrize(
    ("peer", "hops", "client"),
    [
        pytest.param("10.0.0.1", ["203.0.113.9"], "203.0.113.9", id="one proxy"),
        pytest.param("10.0.0.1", ["6.6.6.6", "203.0.113.9", "10.0.0.2"], "203.0.113.9", id="right to left"),
        pytest.param("203.0.113.5", ["1.2.3.4"], "203.0.113.5", id="an unlisted peer is not believed"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="nothing forwarded"),
        pytest.param("10.0.0.1", ["a"], "10.0.0.1", id="rubbish ends the walk"),
        pytest.param("10.0.0.1", ["1.2.3.4", "unknown"], "10.0.0.1", id="unknown ends the walk"),
        pytest.param("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9", id="port removed"),
        pytest.param("fd00::1", ["[2001:db8::7]:80"], "2001:db8::7", id="bracketed IPv6"),
        pytest.param("10.0.0.1", ["[2001:db8::7"], "10.0.0.1", id="open bracket"),
        pytest.param("10.0.0.1", ["[2001:db8::7]x"], "10.0.0.1", id="text after the bracket"),
        pytest.param("10.0.0.1", ["203.0.113.9:http"], "10.0.0.1", id="port that is none"),
        pytest.param("10.0.0.1", ["fe80::1%eth0\r\n"], "10.0.0.1", id="line break"),
        pytest.param("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9", id="mapped peer"),
        pytest.param("10.0.0.1", ["10.0.0.3", "10.0.0.2"], "10.0.0.3", id="all trusted"),
        pytest.param("", ["1.2.3.4"], "", id="peer without an address"),
    ],
)
def test_the_client_is_the_first_untrusted_hop(peer: str, hops: list[str], client: str) -> None:
    assert TRUSTED.client_of(peer, hops) == client


def test_nobody_is_trusted_by_default() -> None:
    assert TrustedProxies([]).client_of("127.0.0.1", ["1.2.3.4"]) == "127.0.0.1"


@pytest.mark.parametrize(
    ("headers", "hops"),
    [
        pytest.param([(b"x-forwarded-for", b"1.1.1.1, 2.2.2.2")], ["1.1.1.1", "2.2.2.2"], id="list"),
        pytest.param(
            [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2")], ["1.1.1.1", "2.2.2.2"], id="two lines"
        ),
        pytest.param(
            [(b"forwarded", b'for=1.1.1.1;proto=http, For="[2001:db8::1]:80"')],
            ["1.1.1.1", "[2001:db8::1]:80"],
            id="forwarded",
        ),
        pytest.param(
            [(b"forwarded", b"for=1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2")], ["2.2.2.2"], id="x-forwarded-for first"
        ),
        pytest.param([(b"x-real-ip", b"9.9.9.9")], [], id="x-real-ip never"),
    ],
)
def test_hops_are_read_in_order(headers: list[tuple[bytes, bytes]], hops: list[str]) -> None:
    assert hops_of(headers) == hops


@pytest.mark.parametrize(
    ("value", "scheme"),
    [(b"https", "https"), (b"http, HTTPS", "https"), (b"javascript", "http"), (b"", "http")],
)
def test_scheme_is_http_or_https(value: bytes, scheme: str) -> None:
    assert scheme_of([(b"x-forwarded-proto", value)], "http") == scheme
