"""Requests that are sent again, and those that never are."""

import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.proxy.harness import forwarding_to, route_for
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.raw_client import RawClient, ask, get
from tests.support.raw_upstream import Peer, RawUpstream, ok


def request(method: str, body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return b"%b / HTTP/1.1\r\nHost: h\r\n%b\r\n%b" % (method.encode(), length, body)


def unanswered(how: Callable[[Peer], None]) -> Callable[[Peer], None]:
    def script(peer: Peer) -> None:
        if peer.request() is not None:
            how(peer)

    return script


CLOSE = unanswered(lambda peer: peer.close())
ANY = [
    request("GET"),
    request("POST", b"x"),
    request("PATCH"),
    b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("raw", ANY, ids=["GET", "POST", "PATCH", "chunked PUT"])
def test_where_no_connection_came_about_anything_goes_elsewhere(raw: bytes) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with RawUpstream() as alive, forwarding_to(dead, alive.url, transport={"retries": 1}) as gateway:
        assert ask(gateway.port, raw).status == 200
        assert alive.requests[0].body == (b"x" if b"x" in raw[-12:] else b"")
        assert alive.requests[0].one(b"host") == b"127.0.0.1:%d" % alive.port


@pytest.mark.parametrize("how", [Peer.close, Peer.reset], ids=["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_what_got_no_byte_of_an_answer_goes_elsewhere(method: str, how: Callable[[Peer], None]) -> None:
    with (
        RawUpstream(unanswered(how)) as bad,
        RawUpstream() as good,
        forwarding_to(bad.url, good.url, transport={"retries": 1}) as gateway,
    ):
        assert ask(gateway.port, request(method)).status == 200
        assert (bad.hits, good.hits) == (1, 1)


@pytest.mark.parametrize(
    "raw",
    [request("POST"), request("PATCH"), request("PUT", b"x"), request("LOCK"), ANY[3]],
    ids=["POST", "PATCH", "PUT with a body", "LOCK", "chunked PUT"],
)
def test_what_may_have_been_done_is_not_done_twice(raw: bytes) -> None:
    with (
        RawUpstream(CLOSE) as bad,
        RawUpstream() as good,
        forwarding_to(bad.url, good.url, transport={"retries": 3}) as gateway,
    ):
        answer = ask(gateway.port, raw)
        assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid")
        assert (bad.hits, good.hits) == (1, 0)


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 103 Early Hints\r\n\r\n", b"garbage\r\n\r\n"])
def test_nothing_is_repeated_after_the_first_byte(begun: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(begun)

    with (
        RawUpstream(script) as bad,
        RawUpstream() as good,
        forwarding_to(bad.url, good.url, transport={"retries": 3}) as gateway,
    ):
        assert get(gateway.port).status == 502
        assert (bad.hits, good.hits) == (1, 0)


def test_a_deadline_that_has_passed_leaves_no_time_for_another() -> None:
    with (
        RawUpstream(unanswered(lambda peer: peer.gone())) as silent,
        RawUpstream() as good,
        forwarding_to(silent.url, good.url, transport={"retries": 3}, response_timeout=0.2) as gateway,
    ):
        started = time.monotonic()
        assert get(gateway.port).status == 504
        assert time.monotonic() - started < 0.6
        assert good.hits == 0


def test_there_are_as_many_retries_as_configured() -> None:
    with (
        RawUpstream(CLOSE) as one,
        RawUpstream(CLOSE) as two,
        RawUpstream(CLOSE) as three,
        forwarding_to(one.url, two.url, three.url, transport={"retries": 1}) as gateway,
    ):
        assert get(gateway.port).status == 502
        assert one.hits + two.hits + three.hits == 2


def test_a_routes_own_number_of_retries_wins() -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with RawUpstream() as alive:
        with forwarding_to(dead, alive.url, route=route_for(retries=1)) as gateway:
            assert get(gateway.port).status == 200
        with forwarding_to(dead, alive.url, transport={"retries": 1}, route=route_for(retries=0)) as gateway:
            assert get(gateway.port).status == 502


def test_one_target_is_tried_again_on_a_fresh_connection() -> None:
    def script(peer: Peer) -> None:
        if peer.request() is not None and peer.number:
            peer.send(ok())

    with RawUpstream(script) as upstream, forwarding_to(upstream.url, transport={"retries": 1}) as gateway:
        assert get(gateway.port).status == 200
        assert len(upstream.peers) == 2


def test_an_outage_is_not_made_worse() -> None:
    with (
        RawUpstream(CLOSE) as one,
        RawUpstream(CLOSE) as two,
        forwarding_to(one.url, two.url, transport={"retries": 3}) as gateway,
    ):
        assert Counter(get(gateway.port).status for _ in range(100)) == {502: 100}
        # Ten that were saved up, and one for five.
        assert 100 < one.hits + two.hits <= 100 + 10 + 20


def test_turns_are_given_back_however_it_ends() -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with (
        RawUpstream(CLOSE) as bad,
        forwarding_to(dead, bad.url, transport={"retries": 2, "connections": 2, "queue": 0}) as gateway,
    ):
        for _ in range(10):
            assert get(gateway.port).status == 502
        client = RawClient(gateway.port)
        client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf")
        client.close()
        eventually(lambda: gateway.transport.status().in_use == 0)
        assert [target.in_use for target in gateway.transport.targets] == [0, 0]
