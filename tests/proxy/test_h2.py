"""Upstreams that speak HTTP/2: the same exactness, and many exchanges on one connection."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import h2.errors
import pytest

from tests.proxy.harness import ForwardServer, forwarding_to, route_for
from tests.support.eventually import eventually
from tests.support.h2_upstream import H2Request, H2Upstream, nothing
from tests.support.raw_client import RawClient, ask, get

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
