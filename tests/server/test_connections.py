"""The life of a connection: pipelining, deadlines, keep-alive, early answers, old versions."""

import contextlib
import time

import pytest

from tests.support.echo_upstream import Echo
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import RawUpstream
from tests.support.refused import assert_refused
from tests.support.running_gateway import RunningGateway

HOST = b" HTTP/1.1\r\nHost: gw.test\r\n"


def get(target: bytes, *lines: bytes) -> bytes:
    return b"GET " + target + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def waited_for(client: RawClient) -> float:
    """Seconds until the connection ends."""
    begun = time.monotonic()
    assert client.ended()
    return time.monotonic() - begun


# Pipelining.


def test_pipelined_requests_are_answered_in_order(client: RawClient) -> None:
    client.send(b"".join(get(b"/public/%d?sleep=%s" % (n, b"0.2" if n == 1 else b"0")) for n in range(1, 6)))
    lines = [Echo.of(client.response().body).line for _ in range(5)]
    assert lines == [f"GET /public/{n}?sleep={'0.2' if n == 1 else 0} HTTP/1.1" for n in range(1, 6)]


def test_a_refusal_in_a_pipeline_keeps_its_place(client: RawClient) -> None:
    client.send(get(b"/public/1?sleep=0.1") + get(b"/any/2") + get(b"/nowhere") + get(b"/public/4"))
    assert [client.response().status for _ in range(4)] == [200, 401, 404, 200]


def test_a_request_then_garbage_in_one_segment(client: RawClient) -> None:
    client.send(get(b"/public/1?sleep=0.1") + b"garbage\r\n\r\n")
    assert client.response().status == 200
    assert_refused(client, 400, "header-ambiguous")


def test_a_request_then_a_broken_body_in_one_segment(client: RawClient) -> None:
    broken = b"POST /public/2" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
    client.send(get(b"/public/1?sleep=0.1") + broken)
    assert Echo.of(client.response().body).line.startswith("GET /public/1")
    assert_refused(client, 400, "body-invalid")


def test_a_body_that_breaks_while_it_is_served(client: RawClient) -> None:
    client.send(b"POST /public/1" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    time.sleep(0.1)
    client.send(b"zz\r\n")
    assert_refused(client, 400, "body-invalid")


def test_what_follows_connection_close_is_not_served(client: RawClient, echo: RawUpstream) -> None:
    client.send(get(b"/public/1", b"Connection: close") + get(b"/public/never"))
    answer = client.response()
    assert answer.one(b"connection") == b"close"
    assert client.ended()
    assert not [request for request in echo.requests if b"never" in request.start]


def test_empty_lines_between_requests_are_skipped(client: RawClient) -> None:
    for _ in range(3):
        assert client.ask(b"\r\n\r\n" + get(b"/public/x")).status == 200


def test_a_request_in_single_bytes(client: RawClient) -> None:
    for byte in get(b"/public/x", b"X-A: b"):
        client.send(bytes([byte]))
    assert Echo.of(client.response().body).all("x-a") == ["b"]


# Deadlines.


def test_a_silent_connection_is_closed(client: RawClient) -> None:
    assert 0.8 < waited_for(client) < 2


def test_empty_lines_do_not_keep_a_connection(client: RawClient) -> None:
    begun = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - begun < 4:
            client.send(b"\r\n")
            time.sleep(0.2)
    assert time.monotonic() - begun < 3


def test_a_slow_head_is_408_at_the_deadline(client: RawClient) -> None:
    begun = time.monotonic()
    for byte in b"GET /public":
        client.send(bytes([byte]))
        time.sleep(0.05)
    answer = assert_refused(client, 408, "request-timeout")
    assert 0.8 < time.monotonic() - begun < 2
    assert answer.start == b"HTTP/1.1 408 Request Timeout"


@pytest.mark.parametrize("target", [b"/public/x", b"/auth/login"])
def test_a_stalled_body_is_408(client: RawClient, target: bytes) -> None:
    begun = time.monotonic()
    client.send(b"POST " + target + HOST + b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\nhel")
    assert_refused(client, 408, "request-timeout")
    assert 0.8 < time.monotonic() - begun < 2


def test_trickled_trailers_are_408(client: RawClient) -> None:
    begun = time.monotonic()
    client.send(b"POST /public/x" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: ")
    while time.monotonic() - begun < 0.9:
        client.send(b"a")
        time.sleep(0.1)
    assert_refused(client, 408, "request-timeout")
    assert time.monotonic() - begun < 2


def test_a_slow_body_that_goes_on_is_served(client: RawClient) -> None:
    client.send(b"POST /public/x" + HOST + b"Content-Length: 65536\r\n\r\n")
    for part in range(4):
        time.sleep(0.5)
        client.send(b"%d" % part * 16384)
    assert Echo.of(client.response().body).body == "".join(f"{part}" * 16384 for part in range(4))


def test_a_body_that_trickles_is_not_waited_for(client: RawClient, echo: RawUpstream) -> None:
    hits = echo.hits
    client.send(b"POST /public/x" + HOST + b"Content-Length: 60000\r\n\r\n")
    with contextlib.suppress(OSError):
        for _ in range(12):
            client.send(b"x")
            time.sleep(0.2)
    assert_refused(client, 408, "request-timeout")
    assert echo.hits == hits


def test_a_slow_upstream_is_no_idle_client(client: RawClient) -> None:
    assert client.ask(get(b"/public/x?sleep=2.5")).status == 200


def test_an_idle_connection_is_closed(client: RawClient) -> None:
    assert client.ask(get(b"/public/x")).status == 200
    assert 1.8 < waited_for(client) < 3


# HTTP/1.0.


def test_http_1_0_gets_no_chunks_and_no_continue(client: RawClient) -> None:
    client.send(
        b"POST /public/x?status=404 HTTP/1.0\r\nHost: gw\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
    )
    first = client.reader.until(b"\r\n\r\n")
    assert first is not None
    answer = RawMessage(first)
    assert answer.status == 404
    assert answer.one(b"transfer-encoding") is None
    assert answer.one(b"connection") == b"close"
    client.reader.exactly(int(answer.one(b"content-length") or b"0"))
    assert client.ended()


def test_http_1_0_needs_no_host(client: RawClient) -> None:
    answer = client.ask(b"GET /public/x HTTP/1.0\r\n\r\n")
    assert answer.status == 200
    assert answer.complete
    assert client.ended()


def test_http_1_0_keep_alive_is_not_kept(client: RawClient) -> None:
    client.send(b"GET /public/x HTTP/1.0\r\nHost: gw\r\nConnection: keep-alive\r\n\r\n")
    assert client.response().one(b"connection") == b"close"
    assert client.ended()


# The shape of answers.


def test_head_204_and_304_have_no_body(client: RawClient) -> None:
    head = client.ask(get(b"/optional/x").replace(b"GET", b"HEAD"))
    assert head.status == 200
    assert int(head.one(b"content-length") or b"0") > 0
    for status in (204, 304):
        answer = client.ask(get(b"/public/x?status=%d" % status))
        assert answer.status == status
        assert answer.body == b""
        assert answer.one(b"transfer-encoding") is None
    assert Echo.of(client.ask(get(b"/public/next")).body).line == "GET /public/next HTTP/1.1"


def test_a_head_request_is_refused_without_a_body(client: RawClient) -> None:
    for target, status in ((b"/any/x", 401), (b"/nowhere", 404), (b"/public/x", 405), (b"/auth/me", 405)):
        answer = client.ask(get(target).replace(b"GET", b"HEAD"))
        assert answer.status == status
        assert int(answer.one(b"content-length") or b"0") > 0
    assert client.ask(get(b"/public/next")).status == 200


@pytest.mark.parametrize("target", [b"/public/x", b"/any/x", b"/auth/me", b"/nowhere"])
def test_one_date_and_no_server_of_our_own(client: RawClient, target: bytes) -> None:
    answer = client.ask(get(target))
    assert answer.one(b"date") is not None
    assert answer.all(b"server") == ([b"echo"] if target == b"/public/x" else [])


def test_many_connections_that_come_and_go_leave_nothing_behind(gateway: RunningGateway) -> None:
    for number in range(200):
        with RawClient(gateway.port) as client:
            client.send(get(b"/public/%d?sleep=0.01" % number)[: number % 60 + 1])
            if number % 2:
                client.reset()
    with RawClient(gateway.port) as client:
        assert client.ask(get(b"/public/x")).status == 200
    eventually(lambda: "gateway_in_flight 0.0" in gateway.probe("/metrics").text)


def test_what_never_became_a_request_is_logged_too(gateway: RunningGateway, client: RawClient) -> None:
    answer = client.ask(b"garbage\r\n\r\n")
    request_id = (answer.one(b"x-request-id") or b"").decode()
    eventually(lambda: request_id in gateway.output.read_text())
    (line,) = [line for line in gateway.log_lines() if line.get("request_id") == request_id]
    assert (line["status"], line["reason"], line["client"]) == (400, "header-ambiguous", "127.0.0.1")
    assert 'reason="header-ambiguous"' in gateway.probe("/metrics").text


@pytest.mark.parametrize("target", [b"/public/x", b"/auth/login"])
def test_a_stalled_body_is_logged_as_what_the_client_was_told(
    gateway: RunningGateway, client: RawClient, target: bytes
) -> None:
    client.send(b"POST " + target + HOST + b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\nhel")
    request_id = (client.response().one(b"x-request-id") or b"").decode()
    eventually(lambda: request_id in gateway.output.read_text())
    (line,) = [line for line in gateway.log_lines() if line.get("request_id") == request_id]
    assert (line["status"], line["reason"]) == (408, "request-timeout")
