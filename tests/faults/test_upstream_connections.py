"""Faults of upstreams F11 to F16: connections that cannot be had, flap, or are left."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from gateway.proxy.health import HealthChecks
from gateway.proxy.target import Eject
from gateway.proxy.tls import upstream_context
from tests.faults.scripts import GET, doing, refused
from tests.faults.steady import beset, timed, whole
from tests.support.certificates import self_signed, server_context
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.raw_client import RawClient, get
from tests.support.raw_upstream import RawUpstream
from tests.support.tls_upstream import TlsUpstream


@pytest.mark.parametrize(("length", "held"), [(9, 0), (99_999, 10)], ids=["small", "large"])
def test_f11_clients_that_wait_for_a_word_and_never_send_hold_nothing_for_long(length: int, held: int) -> None:
    storm = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % length
    with (
        RawUpstream() as upstream,
        beset(upstream.url, body_deadline=0.5, transport={"connections": 10, "queue": 1000}) as gateway,
        ExitStack() as clients,
    ):
        waiting = [clients.enter_context(RawClient(gateway.port)) for _ in range(200)]
        for client in waiting:
            client.send(storm)
        eventually(lambda: gateway.transport.status().in_use == held)
        eventually(lambda: whole(gateway), seconds=5)
        assert get(gateway.port).status == 200


def test_f12_a_refused_connection_is_told_at_once() -> None:
    with beset(f"http://127.0.0.1:{free_port()}") as gateway:
        answer, took = timed(lambda: get(gateway.port))
        assert refused(answer) == (502, b"upstream-unreachable")
        assert took < 0.3


@pytest.fixture
def blackhole() -> Iterator[str]:
    """Where connections are neither taken nor refused: a backlog that is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    fillers = []
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        with suppress(BlockingIOError):
            filler.connect(("127.0.0.1", port))
        fillers.append(filler)
    yield f"http://127.0.0.1:{port}"
    for each in (*fillers, listener):
        each.close()


def test_f12_a_full_backlog_costs_the_connect_timeout_and_the_queue_is_bounded(blackhole: str) -> None:
    transport = {"connect_timeout": 0.4, "connections": 4, "queue": 8, "pool_timeout": 0.2}
    with beset(blackhole, transport=transport) as gateway, ThreadPoolExecutor(30) as threads:
        started = time.monotonic()
        answers = Counter(refused(answer) for answer in threads.map(lambda _: get(gateway.port), range(30)))
        assert time.monotonic() - started < 1.5
        assert answers[(502, b"upstream-unreachable")] >= 4
        assert answers[(503, b"upstream-unavailable")] >= 10
        assert answers.total() == answers[(502, b"upstream-unreachable")] + answers[(503, b"upstream-unavailable")]


def test_f12_the_circuit_opens(blackhole: str) -> None:
    transport = {"connect_timeout": 0.2, "eject": Eject(2, 5.0)}
    with beset(blackhole, transport=transport) as gateway:
        assert [get(gateway.port).status for _ in range(2)] == [502, 502]
        answer, took = timed(lambda: get(gateway.port))
        assert refused(answer) == (503, b"upstream-unavailable")
        assert took < 0.3


def test_f13_an_upstream_that_flaps_costs_few_requests_and_no_storm() -> None:
    port, stopped = free_port(), threading.Event()
    flapping_hits: list[int] = []

    def flap() -> None:
        while not stopped.is_set():
            with RawUpstream(port=port) as flapping:
                stopped.wait(0.3)
            flapping_hits.append(flapping.hits)
            stopped.wait(0.3)

    flapper = threading.Thread(target=flap)
    flapper.start()
    transport = {"retries": 2, "eject": Eject(3, 0.2), "checks": HealthChecks("/health", 0.1)}
    try:
        with RawUpstream() as good, beset(f"http://127.0.0.1:{port}", good.url, transport=transport) as gateway:
            statuses: Counter[int] = Counter()
            ends_at = time.monotonic() + 3
            while time.monotonic() < ends_at:
                statuses[get(gateway.port).status] += 1
                time.sleep(0.005)
            assert statuses[200] > 0.98 * statuses.total()
            seen = good.hits + sum(flapping_hits)
            checks = 2 * 3 / 0.09
            assert seen < 1.2 * statuses.total() + checks
    finally:
        stopped.set()
        flapper.join()


def test_f14_a_name_that_does_not_exist() -> None:
    with beset("http://no-such-host.invalid", transport={"connect_timeout": 0.5}) as gateway:
        assert refused(get(gateway.port)) == (502, b"upstream-unreachable")


@pytest.mark.parametrize("expired", [False, True], ids=["untrusted", "expired"])
def test_f15_a_certificate_that_is_not_good(tmp_path_factory: pytest.TempPathFactory, expired: bool) -> None:
    pem = self_signed(tmp_path_factory.mktemp("tls"), "localhost", expired=expired)
    context = upstream_context(ca=str(pem)) if expired else upstream_context()
    with (
        TlsUpstream(server_context(pem)) as upstream,
        beset(upstream.url, transport={"ssl_context": context}) as gateway,
    ):
        answer = get(gateway.port)
        assert refused(answer) == (502, b"upstream-unreachable")
        assert b"certificate" not in answer.head + answer.body
        assert upstream.hits == 0


def test_f16_a_thousand_clients_leave_before_the_head() -> None:
    with (
        RawUpstream(doing(lambda peer: peer.gone())) as upstream,
        beset(upstream.url, transport={"connections": 100, "pool_timeout": 5.0}) as gateway,
    ):
        for _ in range(5):
            clients = [RawClient(gateway.port) for _ in range(200)]
            for client in clients:
                client.send(GET)
            eventually(lambda: gateway.transport.status().in_use == 100)
            left_at = time.monotonic()
            for number, client in enumerate(clients):
                client.reset() if number % 2 else client.close()
            eventually(lambda: whole(gateway))
            assert time.monotonic() - left_at < 1.0
        eventually(lambda: all(peer.ended for peer in upstream.peers))
        assert {get(gateway.port, "/well").status for _ in range(20)} == {200}
