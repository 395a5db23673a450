"""Which target a request goes to, on real sockets."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.balance import LeastConnections, RoundRobin
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.target import Target
from tests.proxy.harness import ForwardServer, forwarding_to
from tests.proxy.targeting import targets_at
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.raw_client import get
from tests.support.raw_upstream import Peer, RawUpstream, Script, answers, ok


@contextmanager
def upstreams(*scripts: Script | None) -> Iterator[list[RawUpstream]]:
    with ExitStack() as stack:
        yield [stack.enter_context(RawUpstream(script)) for script in scripts]


def named(name: bytes) -> Script:
    return answers(ok(name))


def in_use(gateway: ForwardServer) -> list[int]:
    return [target.in_use for target in gateway.transport.targets]


@pytest.mark.parametrize("round_robin", [True, False], ids=["round-robin", "least-connections"])
def test_idle_targets_take_turns(round_robin: bool) -> None:
    with (
        upstreams(named(b"a"), named(b"b"), named(b"c")) as three,
        forwarding_to(*[each.url for each in three], transport={"round_robin": round_robin}) as gateway,
    ):
        assert [get(gateway.port).body for _ in range(9)] == [b"a", b"b", b"c"] * 3
        assert [len(each.peers) for each in three] == [1, 1, 1]
        eventually(lambda: in_use(gateway) == [0, 0, 0])


def test_least_connections_spares_the_slow() -> None:
    release = threading.Event()

    def slow(peer: Peer) -> None:
        while peer.request() is not None:
            release.wait(5)
            peer.send(ok(b"slow"))

    with (
        upstreams(slow, named(b"fast")) as two,
        forwarding_to(*[each.url for each in two]) as gateway,
        ThreadPoolExecutor(1) as threads,
    ):
        first = threads.submit(get, gateway.port)
        eventually(lambda: two[0].hits == 1)
        assert {get(gateway.port).body for _ in range(19)} == {b"fast"}
        assert in_use(gateway) == [1, 0]
        release.set()
        assert first.result().body == b"slow"
        eventually(lambda: in_use(gateway) == [0, 0])


def test_each_target_sees_its_own_host_unless_the_clients_is_kept() -> None:
    with upstreams(None, None) as two:
        urls = [each.url for each in two]
        with forwarding_to(*urls) as gateway:
            for _ in range(4):
                get(gateway.port)
        hosts = [{request.one(b"host") for request in each.requests} for each in two]
        assert hosts == [{f"127.0.0.1:{each.port}".encode()} for each in two]


def test_the_limit_is_for_all_targets_together() -> None:
    release = threading.Event()

    def slow(peer: Peer) -> None:
        while peer.request() is not None:
            release.wait(5)
            peer.send(ok())

    with (
        upstreams(slow, slow) as two,
        forwarding_to(*[each.url for each in two], transport={"connections": 3, "pool_timeout": 5.0}) as gateway,
        ThreadPoolExecutor(10) as threads,
    ):
        waiting = [threads.submit(get, gateway.port) for _ in range(10)]
        eventually(lambda: gateway.transport.status().waiting == 7)
        assert sum(each.hits for each in two) == 3
        assert gateway.transport.status().in_use == 3
        release.set()
        assert {answer.result().status for answer in waiting} == {200}
        eventually(lambda: gateway.transport.status().in_use == 0)
        assert sum(target.connections for target in gateway.transport.status().targets) <= 3


def test_idle_connections_to_one_target_make_room_for_another() -> None:
    with (
        upstreams(None, None) as two,
        forwarding_to(*[each.url for each in two], transport={"connections": 1}) as gateway,
    ):
        for _ in range(6):
            assert get(gateway.port).status == 200
        eventually(lambda: sum(not peer.ended for each in two for peer in each.peers) == 1)


@pytest.mark.parametrize("round_robin", [True, False], ids=["round-robin", "least-connections"])
def test_a_target_that_refuses_connections_does_not_draw_all_requests(round_robin: bool) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with (
        upstreams(None) as [alive],
        forwarding_to(dead, alive.url, transport={"round_robin": round_robin}) as gateway,
    ):
        statuses = Counter(get(gateway.port).status for _ in range(50))
    assert statuses[502] <= 2
    assert statuses[200] == 50 - statuses[502]


def test_status_tells_how_each_target_is_doing() -> None:
    with upstreams(None) as [alive], forwarding_to(alive.url, f"http://127.0.0.1:{free_port()}") as gateway:
        get(gateway.port)
        get(gateway.port)
        eventually(lambda: gateway.upstream.status().in_use == 0)
        status = gateway.upstream.status()
        assert (status.limit, status.waiting) == (256, 0)
        assert [target.ready for target in status.targets] == [True, False]
        assert [target.connections for target in status.targets] == [1, 0]
        assert (status.targets[0].url, status.targets[0].circuit, status.targets[0].healthy) == (
            alive.url,
            "closed",
            True,
        )


def made(count: int) -> list[Target]:
    return list(targets_at([Endpoint.parse(f"http://127.0.0.1:{port}") for port in range(1, count + 1)]).targets)


@given(st.lists(st.booleans(), min_size=2, max_size=6), st.booleans())
def test_shares_are_even_among_those_that_are_ready(ready: list[bool], round_robin: bool) -> None:
    targets = made(len(ready))
    for target, is_ready in zip(targets, ready, strict=True):
        target.ready = target.healthy = is_ready
    choose = RoundRobin(targets) if round_robin else LeastConnections(targets)
    chosen = Counter(choose() for _ in range(60 * len(ready)))
    if not any(ready):
        assert set(chosen) == {None}
    else:
        assert {chosen[target] for target in targets if target.ready} == {60 * len(ready) // sum(ready)}
        assert sum(chosen[target] for target in targets if not target.ready) == 0


@given(st.lists(st.integers(0, 5), min_size=2, max_size=6))
def test_the_least_busy_is_chosen(loads: list[int]) -> None:
    targets = made(len(loads))
    for target, load in zip(targets, loads, strict=True):
        target.in_use = load
    chosen = LeastConnections(targets)()
    assert chosen is not None
    assert chosen.in_use == min(loads)


@pytest.mark.parametrize("kind", [RoundRobin, LeastConnections])
def test_a_request_goes_elsewhere_first_and_back_only_at_last(kind: type[RoundRobin] | type[LeastConnections]) -> None:
    first, second, third = made(3)
    choose = kind([first, second, third])
    assert choose([first]) is second
    assert choose([first, second]) is third
    third.shunned, third.ready = True, False
    assert choose([first, second]) is third
    third.healthy = False
    assert choose([first, second]) in (first, second)
