"""Connections to upstreams: reused, bounded, replaced when dead."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.proxy.harness import forwarding_to
from tests.support.eventually import eventually
from tests.support.raw_client import ask as ask_once
from tests.support.raw_client import get
from tests.support.raw_upstream import Peer, RawUpstream, ok


def closing_after_one(how: Callable[[Peer], None]) -> Callable[[Peer], None]:
    """Each connection answers once as if it would be kept; the first then ends as `how` says, unanswered."""

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(ok(b"from %d" % peer.number))
            if peer.number == 0:
                peer.head()
                how(peer)
            else:
                peer.request()

    return script


@pytest.mark.parametrize("how", [Peer.close, Peer.reset], ids=["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_a_request_that_meets_a_dead_idle_connection_is_sent_once_more(
    method: str, how: Callable[[Peer], None]
) -> None:
    with RawUpstream(closing_after_one(how)) as upstream, forwarding_to(upstream.url) as gateway:
        assert get(gateway.port).body == b"from 0"
        answer = ask_once(gateway.port, f"{method} / HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert answer.status == 200
        assert len(upstream.peers) == 2


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"PATCH / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx",
    ],
    ids=["POST", "PATCH", "with a body"],
)
def test_what_cannot_be_repeated_safely_is_not(request_bytes: bytes) -> None:
    with RawUpstream(closing_after_one(Peer.close)) as upstream, forwarding_to(upstream.url) as gateway:
        assert get(gateway.port).body == b"from 0"
        answer = ask_once(gateway.port, request_bytes)
        assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid")
        assert len(upstream.peers) == 1


def test_nothing_is_repeated_after_the_first_byte_of_an_answer() -> None:
    def half(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 2")
        peer.close()

    with RawUpstream(closing_after_one(half)) as upstream, forwarding_to(upstream.url) as gateway:
        assert get(gateway.port).body == b"from 0"
        assert get(gateway.port).status == 502
        assert len(upstream.peers) == 1


def test_nothing_is_repeated_on_a_new_connection() -> None:
    def script(peer: Peer) -> None:
        peer.request()

    with RawUpstream(script) as upstream, forwarding_to(upstream.url) as gateway:
        assert get(gateway.port).status == 502
        assert upstream.hits == 1


def test_an_idle_connection_is_kept_for_its_time_only() -> None:
    with RawUpstream() as upstream, forwarding_to(upstream.url, transport={"keepalive": 0.2}) as gateway:
        for _ in range(3):
            get(gateway.port)
        assert len(upstream.peers) == 1
        time.sleep(0.3)
        assert get(gateway.port).status == 200
        assert len(upstream.peers) == 2


def test_an_idle_connection_that_the_upstream_closes_is_closed_here_too() -> None:
    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(ok())
            peer.sock.shutdown(1)
            peer.gone()

    with RawUpstream(script) as upstream, forwarding_to(upstream.url) as gateway:
        assert get(gateway.port).status == 200
        eventually(lambda: upstream.peers[0].ended)
        assert ask_once(gateway.port, b"POST / HTTP/1.1\r\nHost: h\r\n\r\n").status == 200


def test_more_requests_than_connections_wait_their_turn() -> None:
    def script(peer: Peer) -> None:
        while peer.request() is not None:
            time.sleep(0.02)
            peer.send(ok())

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, transport={"connections": 4, "pool_timeout": 5.0}) as gateway,
        ThreadPoolExecutor(40) as threads,
    ):
        statuses = [answer.status for answer in threads.map(lambda _: get(gateway.port), range(120))]
        assert statuses == [200] * 120
        assert len(upstream.peers) == 4


def test_waiting_too_long_for_a_connection_is_unavailable_with_retry_after() -> None:
    release = threading.Event()

    def script(peer: Peer) -> None:
        while peer.request() is not None:
            release.wait(5)
            peer.send(ok())

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, transport={"connections": 1, "pool_timeout": 0.1}) as gateway,
        ThreadPoolExecutor(1) as threads,
    ):
        holder = threads.submit(get, gateway.port)
        eventually(lambda: upstream.hits == 1)
        answer = get(gateway.port)
        assert (answer.status, answer.one(b"gateway-reason"), answer.one(b"retry-after")) == (
            503,
            b"upstream-unavailable",
            b"1",
        )
        release.set()
        assert holder.result().status == 200


def test_closing_the_transport_closes_every_connection() -> None:
    with RawUpstream() as upstream:
        with forwarding_to(upstream.url) as gateway:
            get(gateway.port)
        eventually(lambda: upstream.peers[0].ended)
