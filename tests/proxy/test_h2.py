"""Upstreams that speak HTTP/2: the same exactness, and many exchanges on one connection."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h2.errors
import pytest

from gateway.proxy.tls import H1, H2, upstream_context
from tests.proxy.harness import ForwardServer, forwarding_to, route_for
from tests.support.certificates import self_signed, server_context
from tests.support.eventually import eventually
from tests.support.h2_upstream import H2Request, H2Upstream, nothing
from tests.support.ports import free_port
from tests.support.raw_client import RawClient, ask, get
from tests.support.raw_upstream import RawUpstream

SPEAKING: dict[str, Any] = {"h2": True}


def connections(gateway: ForwardServer) -> int:
    return gateway.transport.status().targets[0].connections


def test_an_exchange_is_exact() -> None:
    def respond(request: H2Request) -> None:
        request.answer(b"body", (b"set-cookie", b"a=1"), (b"x-a", b"\xe9"), (b"set-cookie", b"b=2"))

    with H2Upstream(respond) as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        answer = get(
            gateway.port, "/a%2fb//c?q=%zz&q", "X-A: 1", "Cookie: x=1; y=2", "X-A: 2", "Connection: x-b", "X-B: 3"
        )
        request = upstream.exchanges[0]
        assert (request.one(b":path"), request.one(b":method"), request.one(b":scheme")) == (
            b"/a%2fb//c?q=%zz&q",
            b"GET",
            b"http",
        )
        assert request.one(b":authority") == f"127.0.0.1:{upstream.port}".encode()
        assert [value for name, value in request.fields if name == b"x-a"] == [b"1", b"2"]
        assert [request.one(name) for name in (b"cookie", b"x-b", b"connection")] == [b"x=1; y=2", None, None]
        assert (answer.status, answer.body, answer.all(b"set-cookie")) == (200, b"body", [b"a=1", b"b=2"])
        assert answer.one(b"x-a") == b"\xe9"


BODIES = {
    "length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "none": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("raw", list(BODIES.values()), ids=list(BODIES))
def test_bodies_arrive_whole(raw: bytes) -> None:
    with H2Upstream() as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        assert ask(gateway.port, raw).status == 200
        request = upstream.exchanges[0]
        assert (request.body, request.ended) == (b"" if raw is BODIES["none"] else b"hello", True)
        assert request.one(b"transfer-encoding") is None


def test_large_bodies_flow_both_ways() -> None:
    body = bytes(range(256)) * 4096

    def respond(request: H2Request) -> None:
        request.head((b"content-length", b"%d" % len(request.body)))
        for start in range(0, len(request.body), 16_000):
            request.data(request.body[start : start + 16_000])
        request.data(b"", end=True)

    raw = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with H2Upstream(respond) as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        for _ in range(3):
            assert ask(gateway.port, raw).body == body
        assert len(upstream.peers) == 1


@pytest.mark.parametrize("status", [b"204", b"304"])
def test_answers_without_a_body(status: bytes) -> None:
    with (
        H2Upstream(lambda request: request.head(status=status, end=True)) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING) as gateway,
        RawClient(gateway.port) as client,
    ):
        for _ in range(2):
            answer = client.ask(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert (answer.status, answer.body) == (int(status), b"")


def test_head_has_the_length_and_no_body() -> None:
    with (
        H2Upstream(lambda request: request.head((b"content-length", b"1234"), end=True)) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING) as gateway,
    ):
        answer = ask(gateway.port, b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (answer.status, answer.one(b"content-length")) == (200, b"1234")


def test_interim_answers_and_trailers_are_dropped() -> None:
    def respond(request: H2Request) -> None:
        request.head((b"link", b"</x>"), status=b"103")
        request.head((b"x-a", b"1"))
        request.data(b"ok")
        request.peer.h2.send_headers(request.stream_id, [(b"x-user-id", b"admin")], end_stream=True)
        request.peer.flush()

    with H2Upstream(respond) as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        answer = get(gateway.port)
        assert (answer.status, answer.body, answer.complete) == (200, b"ok", True)
        assert (answer.all(b"link"), answer.all(b"x-user-id")) == ([], [])


def test_exchanges_share_a_connection_and_are_answered_in_any_order() -> None:
    waiting: list[H2Request] = []

    def respond(request: H2Request) -> None:
        waiting.append(request)
        if len(waiting) == 20:
            for each in reversed(waiting):
                each.answer(each.one(b":path") or b"")

    with (
        H2Upstream(respond) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING) as gateway,
        ThreadPoolExecutor(20) as threads,
    ):
        answers = threads.map(lambda number: get(gateway.port, f"/{number}").body, range(20))
        assert list(answers) == [b"/%d" % number for number in range(20)]
        assert len(upstream.peers) == 1
        eventually(lambda: gateway.transport.status().in_use == 0)


def test_an_upstream_that_takes_few_at_a_time_gets_few() -> None:
    with (
        H2Upstream(most_streams=2) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING) as gateway,
        ThreadPoolExecutor(20) as threads,
    ):
        assert {answer.status for answer in threads.map(lambda _: get(gateway.port), range(40))} == {200}
        assert len(upstream.peers) == 1


def test_a_departure_resets_its_own_exchange_only() -> None:
    with H2Upstream(nothing) as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        with RawClient(gateway.port) as stays, RawClient(gateway.port) as leaves:
            for number, client in enumerate((stays, leaves), 1):
                client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                eventually(lambda number=number: upstream.exchanged == number)  # type: ignore[misc]
            leaves.close()
            eventually(lambda: upstream.exchanges[1].reset == h2.errors.ErrorCodes.CANCEL)
            upstream.exchanges[0].answer()
            assert stays.response().status == 200
        assert len(upstream.peers) == 1


def test_departures_in_mid_download_leave_the_connection_usable() -> None:
    """Each leaves a megabyte unread: without the window given back, all would stand still after sixteen of them."""

    def respond(request: H2Request) -> None:
        if request.one(b":path") == b"/":
            request.answer()
            return
        request.head()
        for _ in range(64):
            request.data(bytes(16_384))

    with H2Upstream(respond) as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        for number in range(30):
            client = RawClient(gateway.port)
            client.send(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
            eventually(lambda number=number: upstream.exchanged > number)  # type: ignore[misc]
            client.reader.more()
            client.reset()
        assert get(gateway.port).body == b"ok"
        assert len(upstream.peers) == 1
        assert all(request.reset is not None for request in upstream.exchanges[:-1])


def test_half_a_body_is_reset_not_ended() -> None:
    with H2Upstream() as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        client = RawClient(gateway.port)
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        eventually(lambda: upstream.exchanged == 1 and upstream.exchanges[0].body == b"half")
        client.close()
        eventually(lambda: upstream.exchanges[0].reset is not None)
        assert not upstream.exchanges[0].ended


def test_a_body_that_grows_too_large_is_refused_and_reset() -> None:
    with H2Upstream() as upstream, forwarding_to(upstream.url, transport=SPEAKING, body_limit=8) as gateway:
        raw = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
        with RawClient(gateway.port) as client:
            client.send(raw)
            eventually(lambda: upstream.exchanged == 1)
            client.send(b"9\r\nfar more!\r\n")
            assert client.response().status == 413
        eventually(lambda: upstream.exchanges[0].reset is not None)


def test_an_early_answer_reaches_a_client_that_is_still_sending() -> None:
    with (
        H2Upstream(nothing, begin=lambda request: request.answer(b"no", status=b"403")) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nhalf")
        answer = client.response()
        assert (answer.status, answer.body) == (403, b"no")
        assert upstream.exchanged == 1


def test_an_upstream_that_takes_no_body_is_given_up() -> None:
    with (
        H2Upstream(nothing, take_bodies=False) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING, idle_timeout=0.3, response_timeout=0.3) as gateway,
    ):
        raw = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + bytes(200_000)
        assert ask(gateway.port, raw).status == 504
        eventually(lambda: upstream.exchanges[0].reset is not None)


def test_silence_is_a_timeout_for_one_exchange_only() -> None:
    def respond(request: H2Request) -> None:
        if request.one(b":path") != b"/silent":
            request.answer()

    with (
        H2Upstream(respond) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING, response_timeout=0.3) as gateway,
        RawClient(gateway.port) as client,
    ):
        assert get(gateway.port).status == 200
        client.send(b"GET /silent HTTP/1.1\r\nHost: h\r\n\r\n")
        for _ in range(5):
            assert get(gateway.port).status == 200
        assert client.response().status == 504
        assert get(gateway.port).status == 200
        assert len(upstream.peers) == 1


def test_a_connection_that_is_silent_as_a_whole_is_not_used_again() -> None:
    def respond(request: H2Request) -> None:
        if request.peer.peer.number:
            request.answer()

    with (
        H2Upstream(respond) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING, route=route_for(response_timeout=0.2)) as gateway,
    ):
        assert get(gateway.port).status == 504
        assert get(gateway.port).status == 504
        assert get(gateway.port).status == 200
        eventually(lambda: upstream.peers[0].ended)


def test_an_answer_that_stalls_or_breaks_off_never_looks_whole() -> None:
    def respond(request: H2Request) -> None:
        request.head((b"content-length", b"100"))
        request.data(b"part")
        if request.one(b":path") == b"/reset":
            reset(request)
        elif request.one(b":path") == b"/short":
            request.data(b"", end=True)
        elif request.one(b":path") == b"/close":
            request.peer.peer.close()

    with H2Upstream(respond) as upstream, forwarding_to(upstream.url, transport=SPEAKING, idle_timeout=0.2) as gateway:
        for path in ("/stall", "/reset", "/short", "/close"):
            with RawClient(gateway.port) as client:
                client.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                answer = client.reader.message(response=True)
                assert answer is None or not answer.complete, path


def goaway(request: H2Request) -> None:
    """The first connection answers one request, and turns the second away unseen."""
    if request.peer.peer.number == 0 and request.stream_id > 1:
        request.peer.h2.close_connection(last_stream_id=1)
        request.peer.flush()
    else:
        request.answer()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_the_upstream_says_it_has_not_seen_is_sent_again(method: str) -> None:
    with H2Upstream(goaway) as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        assert get(gateway.port).status == 200
        assert ask(gateway.port, f"{method} / HTTP/1.1\r\nHost: h\r\n\r\n".encode()).status == 200
        assert len(upstream.peers) == 2


def test_a_connection_that_was_closed_is_replaced() -> None:
    with H2Upstream() as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        assert get(gateway.port).status == 200
        upstream.peers[0].close()
        eventually(lambda: get(gateway.port).status == 200 and len(upstream.peers) == 2)


def test_an_idle_connection_is_closed_in_its_time() -> None:
    transport = {"h2": True, "keepalive": 0.1}
    with H2Upstream() as upstream, forwarding_to(upstream.url, transport=transport) as gateway:
        assert get(gateway.port).status == 200
        eventually(lambda: upstream.peers[0].ended)
        assert get(gateway.port).status == 200
        assert connections(gateway) == 1


def reset(request: H2Request) -> None:
    request.peer.h2.reset_stream(request.stream_id, 2)
    request.peer.flush()


BAD: dict[str, Callable[[H2Request], None]] = {
    "line break in a value": lambda request: request.head((b"x-a", b"1\r\nset-cookie: a=b"), end=True),
    "control in a value": lambda request: request.head((b"x-a", b"1\x01"), end=True),
    "no name": lambda request: request.head((b"x a", b"1"), end=True),
    "connection field": lambda request: request.head((b"transfer-encoding", b"chunked"), end=True),
    "status in letters": lambda request: request.head(status=b"two", end=True),
    "reset": reset,
    "closed": lambda request: request.peer.peer.close(),
}


@pytest.mark.parametrize("bad", list(BAD.values()), ids=list(BAD))
def test_no_valid_answer_is_invalid_and_the_next_request_is_served(bad: Callable[[H2Request], None]) -> None:
    def respond(request: H2Request) -> None:
        request.answer() if request.one(b":path") == b"/good" else bad(request)

    with (
        H2Upstream(respond, checked=False) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING, response_timeout=1.0) as gateway,
    ):
        answer = ask(gateway.port, b"POST /bad HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
        assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid")
        assert get(gateway.port, "/good").body == b"ok"
        eventually(lambda: gateway.transport.status().in_use == 0)


def test_over_tls_both_must_agree_on_it(tmp_path: Path) -> None:
    pem = self_signed(tmp_path, "localhost")
    transport = {"h2": True, "ssl_context": upstream_context(protocol=H2, ca=str(pem))}
    with H2Upstream(context=server_context(pem, protocol=H2)) as upstream:
        with forwarding_to(upstream.url, transport=transport) as gateway:
            assert [get(gateway.port).status for _ in range(3)] == [200] * 3
        assert upstream.exchanges[0].one(b":scheme") == b"https"
    with H2Upstream(context=server_context(pem, protocol=H1)) as upstream:
        with forwarding_to(upstream.url, transport=transport) as gateway:
            assert get(gateway.port).one(b"gateway-reason") == b"upstream-unreachable"
        assert upstream.exchanged == 0


def test_over_a_unix_socket(tmp_path: Path) -> None:
    with (
        H2Upstream(path=tmp_path / "h2.sock") as upstream,
        forwarding_to(upstream.url, transport=SPEAKING) as gateway,
    ):
        assert get(gateway.port).status == 200
        assert upstream.exchanges[0].one(b":authority") == b"localhost"


def test_a_refused_connection_is_unreachable_for_all_who_wait_for_it() -> None:
    with (
        forwarding_to(f"http://127.0.0.1:{free_port()}", transport=SPEAKING) as gateway,
        ThreadPoolExecutor(10) as threads,
    ):
        reasons = {answer.one(b"gateway-reason") for answer in threads.map(lambda _: get(gateway.port), range(10))}
        assert reasons == {b"upstream-unreachable"}
        eventually(lambda: gateway.transport.status().in_use == 0)


def test_an_http_1_upstream_is_no_valid_answer() -> None:
    with RawUpstream() as upstream, forwarding_to(upstream.url, transport=SPEAKING, response_timeout=0.3) as gateway:
        started = time.monotonic()
        assert get(gateway.port).status in (502, 504)
        assert time.monotonic() - started < 1.0
