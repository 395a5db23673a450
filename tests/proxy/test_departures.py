"""Clients that leave: the upstream hears of it at once, and nothing stays behind."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from gateway.proxy.forward import CLIENT_LEFT
from tests.proxy.harness import ForwardServer, forwarding_to
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient, get
from tests.support.raw_upstream import Peer, RawUpstream, ok

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def silent(peer: Peer) -> None:
    peer.head()
    peer.gone()


def streaming(peer: Peer) -> None:
    peer.head()
    peer.send(STREAM)
    try:
        while True:
            peer.send(b"1\r\nx\r\n")
            time.sleep(0.01)
    except OSError:
        peer.ended = True


def quiet_stream(peer: Peer) -> None:
    peer.head()
    peer.send(STREAM + b"1\r\nx\r\n")
    peer.gone()


async def tasks_left() -> int:
    return len(asyncio.all_tasks()) - 1


def baseline(gateway: ForwardServer) -> int:
    return gateway.call(tasks_left())


@pytest.mark.parametrize("leave", [RawClient.close, RawClient.reset], ids=["close", "reset"])
@pytest.mark.parametrize(
    ("script", "request_bytes", "status"),
    [
        (silent, GET, CLIENT_LEFT),
        (streaming, GET, 200),
        (quiet_stream, GET, 200),
        (silent, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\nhalf", CLIENT_LEFT),
        (silent, b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", CLIENT_LEFT),
        (silent, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nfull", CLIENT_LEFT),
        (quiet_stream, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\nhalf", 200),
    ],
    ids=[
        "before the head",
        "mid-response",
        "mid-response, silent",
        "mid-upload",
        "mid-upload, chunked",
        "after the upload",
        "mid-upload and mid-response",
    ],
)
def test_a_departure_closes_the_upstream_connection_at_once(
    script: Callable[[Peer], None], request_bytes: bytes, status: int, leave: Callable[[RawClient], None]
) -> None:
    with RawUpstream(script) as upstream, forwarding_to(upstream.url) as gateway:
        idle = baseline(gateway)
        client = RawClient(gateway.port)
        client.send(request_bytes)
        eventually(lambda: upstream.hits == 1)
        if status == 200:
            client.reader.until(b"\r\nx\r\n")
        time.sleep(0.02)
        left_at = time.monotonic()
        leave(client)
        eventually(lambda: upstream.peers[0].ended)
        assert time.monotonic() - left_at < 0.5
        eventually(lambda: len(gateway.finished.contexts) == 1)
        assert gateway.finished.contexts[0].status == status
        eventually(lambda: baseline(gateway) == idle)


def test_half_a_chunked_body_is_never_ended_as_if_it_were_whole() -> None:
    rests: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.head()
        rests.append(peer.reader.rest())

    with RawUpstream(script) as upstream, forwarding_to(upstream.url) as gateway:
        client = RawClient(gateway.port)
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        eventually(lambda: upstream.hits == 1)
        time.sleep(0.05)
        client.close()
        eventually(lambda: bool(rests))
    assert rests == [b"4\r\nhalf\r\n"]


def test_a_departure_while_waiting_for_a_connection_leaves_the_queue() -> None:
    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if request.target == b"/hold":
                time.sleep(0.5)
            peer.send(ok())

    transport = {"connections": 1, "pool_timeout": 3.0}
    with RawUpstream(script) as upstream, forwarding_to(upstream.url, transport=transport) as gateway:
        holder = threading.Thread(target=get, args=(gateway.port, "/hold"))
        holder.start()
        eventually(lambda: upstream.hits == 1)
        waiters = [RawClient(gateway.port) for _ in range(20)]
        for waiter in waiters:
            waiter.send(b"GET /waiter HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.1)
        for waiter in waiters:
            waiter.close()
        holder.join()
        assert get(gateway.port, "/after").body == b"ok"
        assert [request.target for request in upstream.requests] == [b"/hold", b"/after"]


def test_a_thousand_departures_under_contention_leave_the_pool_whole() -> None:
    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if request.target == b"/slow":
                peer.gone()
                return
            peer.send(ok())

    transport = {"connections": 10, "pool_timeout": 5.0}
    with RawUpstream(script) as upstream, forwarding_to(upstream.url, transport=transport) as gateway:
        idle = baseline(gateway)
        for _ in range(10):
            clients = [RawClient(gateway.port) for _ in range(100)]
            for number, client in enumerate(clients):
                client.send(b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n" % (b"slow" if number % 3 else b"quick"))
            time.sleep(0.02)
            for number, client in enumerate(clients):
                client.reset() if number % 2 else client.close()
        eventually(lambda: len(gateway.finished.contexts) == 1000)
        answers = [get(gateway.port, "/quick").body for _ in range(20)]
        assert answers == [b"ok"] * 20
        eventually(lambda: baseline(gateway) == idle)
        eventually(lambda: sum(not peer.ended for peer in upstream.peers) <= 10)
        assert upstream.hits < 1000


def test_a_client_that_ends_normally_is_no_departure() -> None:
    with RawUpstream() as upstream, forwarding_to(upstream.url) as gateway:
        for _ in range(20):
            get(gateway.port)
        eventually(lambda: len(gateway.finished.contexts) == 20)
        assert {context.status for context in gateway.finished.contexts} == {200}
        assert len(upstream.peers) == 1
