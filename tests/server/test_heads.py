"""Request heads: size limits, malformed lines, hosts, versions, methods."""

import time

import pytest

from tests.support.echo_upstream import Echo
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.refused import assert_refused
from tests.support.running_gateway import RunningGateway

GET = b"GET /public/x HTTP/1.1\r\nHost: gw.test\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"X-A: " + b"a" * 20_000 + b"\r\n", id="one very long"),
        pytest.param(b"X-A: " + b"a" * 2_000_000, id="one that does not end"),
        pytest.param(b"A" * 2_000_000, id="a name that does not end"),
        pytest.param(b"".join(b"X-%d: a\r\n" % n for n in range(41)), id="two too many"),
        pytest.param(b"".join(b"X-%d: a\r\n" % n for n in range(20_000)), id="far too many"),
        pytest.param(b"\r\n".join([b"X: y"] * 20_000) + b"\r\n", id="far too many of the same"),
    ],
)
def test_too_many_header_bytes_are_431(client: RawClient, echo: RawUpstream, lines: bytes) -> None:
    hits = echo.hits
    client.send(GET)
    try:
        client.send(lines + b"\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pytest.fail("the connection was reset before the answer could be read")
    assert_refused(client, 431, "headers-too-large")
    assert echo.hits == hits


@pytest.mark.parametrize("lines", [b"X-A: " + b"a" * 4096 + b"\r\n", b"X: y\r\n" * 40], ids=["a byte", "a line"])
def test_just_over_the_limit_is_431_too(client: RawClient, echo: RawUpstream, lines: bytes) -> None:
    hits = echo.hits
    answer = client.ask(GET + lines + b"\r\n")
    assert (answer.status, answer.one(b"gateway-reason")) == (431, b"headers-too-large")
    assert echo.hits == hits


def test_headers_up_to_the_limit_pass(client: RawClient) -> None:
    lines = b"".join(b"X-%02d: %s\r\n" % (n, b"a" * 90) for n in range(39))
    assert client.ask(GET + lines + b"\r\n").status == 200


@pytest.mark.parametrize("length", [1025, 3000, 100_000])
def test_long_targets_are_414(client: RawClient, length: int) -> None:
    client.send(b"GET /public/" + b"a" * (length - 8) + b" HTTP/1.1\r\nHost: gw\r\n\r\n")
    answer = client.response()
    assert (answer.status, answer.one(b"gateway-reason")) == (414, b"target-too-long")
    if length > 2048:
        assert answer.one(b"connection") == b"close"
        assert client.ended()


def test_a_target_up_to_the_limit_passes(client: RawClient) -> None:
    assert client.ask(b"GET /public/" + b"a" * 1016 + b" HTTP/1.1\r\nHost: gw\r\n\r\n").status == 200


def test_small_headers_by_the_thousands_do_not_hold_others_up(gateway: RunningGateway) -> None:
    flood = b"".join(b"X: y\r\n" for _ in range(20_000))
    slowest = 0.0
    with RawClient(gateway.port) as victim:
        for _ in range(10):
            with RawClient(gateway.port) as attacker:
                attacker.send(GET + flood)
                begun = time.monotonic()
                assert victim.ask(GET + b"\r\n").status == 200
                slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 0.5


MALFORMED = {
    "no request": b"garbage\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /public/x\r\n\r\n",
    "version 0.9": b"GET /public/x HTTP/0.9\r\nHost: gw\r\n\r\n",
    "version 2.0": b"GET /public/x HTTP/2.0\r\nHost: gw\r\n\r\n",
    "version 1.2": b"GET /public/x HTTP/1.2\r\nHost: gw\r\n\r\n",
    "lower case method": b"get /public/x HTTP/1.1\r\nHost: gw\r\n\r\n",
    "unknown method": b"FROB /public/x HTTP/1.1\r\nHost: gw\r\n\r\n",
    "relative target": b"GET public/x HTTP/1.1\r\nHost: gw\r\n\r\n",
    "space in target": b"GET /public/x y HTTP/1.1\r\nHost: gw\r\n\r\n",
    "raw UTF-8 target": b"GET /public/\xc3\xa9 HTTP/1.1\r\nHost: gw\r\n\r\n",
    "control in target": b"GET /public/\x01 HTTP/1.1\r\nHost: gw\r\n\r\n",
    "NUL in a value": GET + b"X-A: a\x00b\r\n\r\n",
    "control in a name": GET + b"X\x01: a\r\n\r\n",
    "bare CR in a value": GET + b"X-A: a\rb\r\n\r\n",
    "space before the colon": GET + b"X-A : a\r\n\r\n",
    "obsolete folding": GET + b"X-A: a\r\n b\r\n\r\n",
    "leading space": b"GET /public/x HTTP/1.1\r\n Host: gw\r\n\r\n",
    "no colon": GET + b"X-A\r\n\r\n",
    "empty name": GET + b": a\r\n\r\n",
    "bare LF": b"GET /public/x HTTP/1.1\nHost: gw\n\n",
}


@pytest.mark.parametrize("head", MALFORMED.values(), ids=MALFORMED)
def test_malformed_heads_are_400_and_close(client: RawClient, echo: RawUpstream, head: bytes) -> None:
    hits = echo.hits
    client.send(head)
    assert_refused(client, 400, "header-ambiguous")
    assert echo.hits == hits


HOSTS = {
    "missing": b"",
    "empty": b"Host:\r\n",
    "twice": b"Host: gw\r\nHost: other\r\n",
    "twice the same": b"Host: gw\r\nHost: gw\r\n",
    "user": b"Host: u@gw\r\n",
    "path": b"Host: gw/public\r\n",
    "query": b"Host: gw/public?\r\n",
    "list": b"Host: gw, other\r\n",
    "space": b"Host: g w\r\n",
    "bad port": b"Host: gw:http\r\n",
    "raw UTF-8": b"Host: gw\xc3\xa9\r\n",
    "open bracket": b"Host: [::1\r\n",
    "escape": b"Host: g%77\r\n",
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_odd_hosts_are_400_before_anything_else(client: RawClient, echo: RawUpstream, host: bytes) -> None:
    hits = echo.hits
    for target in (b"/public/x", b"/nowhere", b"/auth/me"):
        answer = client.ask(b"GET " + target + b" HTTP/1.1\r\n" + host + b"\r\n")
        assert (answer.status, answer.one(b"gateway-reason")) == (400, b"header-ambiguous")
    assert echo.hits == hits


@pytest.mark.parametrize("host", [b"gw", b"GW.Test", b"gw.test.", b"gw:8080", b"[::1]:80", b"127.0.0.1", b"gw \t"])
def test_good_hosts(client: RawClient, host: bytes) -> None:
    assert client.ask(b"GET /public/x HTTP/1.1\r\nHost: " + host + b"\r\n\r\n").status == 200


def test_an_empty_value_does_not_merge_names(client: RawClient) -> None:
    answer = client.ask(GET + b"X-A:\r\nX-User-Id: 1\r\nX-B: \t\r\nRemote-User: 2\r\n\r\n")
    seen = Echo.of(answer.body)
    assert seen.all("x-a") == [""]
    assert seen.all("x-b") == [""]
    assert not seen.squeezed() & {"xuserid", "remoteuser", "xaxuserid"}


def test_an_empty_value_in_two_packets_does_not_merge_names(client: RawClient) -> None:
    client.send(GET + b"X-A: ")
    time.sleep(0.05)
    client.send(b"\r\nX-Us")
    time.sleep(0.05)
    seen = Echo.of(client.ask(b"er-Id: 1\r\n\r\n").body)
    assert seen.all("x-a") == [""]
    assert not seen.squeezed() & {"xuserid", "xaxuserid"}


def test_white_space_around_a_value_is_no_part_of_it(client: RawClient) -> None:
    assert Echo.of(client.ask(GET + b"X-A: \t a b \t \r\n\r\n").body).all("x-a") == ["a b"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"CONNECT gw:443 HTTP/1.1\r\nHost: gw:443\r\n\r\n", (400, 405, 501)),
        (b"CONNECT /public/x HTTP/1.1\r\nHost: gw\r\n\r\n", (400, 405, 501)),
        (b"TRACE /any/x HTTP/1.1\r\nHost: gw\r\nCookie: secret=1\r\n\r\n", (401, 405, 501)),
        (b"TRACE /optional/x HTTP/1.1\r\nHost: gw\r\nCookie: secret=1\r\n\r\n", (405, 501)),
        (b"OPTIONS * HTTP/1.1\r\nHost: gw\r\n\r\n", (400, 404)),
        (b"GET * HTTP/1.1\r\nHost: gw\r\n\r\n", (400,)),
    ],
)
def test_unusual_methods(client: RawClient, echo: RawUpstream, head: bytes, status: tuple[int, ...]) -> None:
    hits = echo.hits
    answer = client.ask(head)
    assert answer.status in status
    assert b"secret" not in answer.body
    assert echo.hits == hits


def test_an_absolute_target_names_host_and_path(client: RawClient, echo: RawUpstream) -> None:
    hits = echo.hits
    admin = client.ask(b"GET http://gw.test/admin/x HTTP/1.1\r\nHost: gw.test\r\n\r\n")
    assert (admin.status, admin.one(b"gateway-reason")) == (401, b"token-missing")
    assert echo.hits == hits
    seen = Echo.of(client.ask(b"GET http://real.test/public/x?y HTTP/1.1\r\nHost: lie.test\r\n\r\n").body)
    assert seen.line == "GET /public/x?y HTTP/1.1"
    assert seen.all("x-forwarded-host") == ["real.test"]
    assert "lie.test" not in str(seen.headers)
