"""Targets that are asked how they are, and targets that are left alone for a while."""

import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from gateway.proxy.health import HealthChecks
from gateway.proxy.target import Circuit, Eject
from tests.proxy.harness import ForwardServer, forwarding_to
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.raw_client import RawClient, get
from tests.support.raw_upstream import Peer, RawUpstream, Script, answers, ok


class Service:
    """A service whose health a test decides: `health` is the answer to the check, None for silence."""

    def __init__(self, name: bytes = b"ok") -> None:
        self.health: bytes | None = ok()
        self.answer: bytes | None = ok(name)

    def __call__(self, peer: Peer) -> None:
        while (request := peer.request()) is not None:
            answer = self.health if request.target == b"/health?deep" else self.answer
            if answer is None:
                peer.gone()
                return
            peer.send(answer)


def checks(interval: float = 0.05) -> HealthChecks:
    return HealthChecks("/health?deep", interval)


def healthy(gateway: ForwardServer) -> list[bool]:
    return [target.healthy for target in gateway.transport.status().targets]


ILL: dict[str, bytes | None] = {
    "500": ok(status=b"500 Internal Server Error"),
    "404": ok(status=b"404 Not Found"),
    "garbage": b"garbage\r\n\r\n",
    "silent": None,
}


@pytest.mark.parametrize("ill", list(ILL.values()), ids=list(ILL))
def test_a_target_that_is_ill_gets_no_requests_until_it_is_well(ill: bytes | None) -> None:
    first, second = Service(b"first"), Service(b"second")
    with (
        RawUpstream(first) as one,
        RawUpstream(second) as two,
        forwarding_to(one.url, two.url, transport={"checks": checks()}) as gateway,
    ):
        assert {get(gateway.port).body for _ in range(4)} == {b"first", b"second"}
        first.health = ill
        eventually(lambda: healthy(gateway) == [False, True])
        assert {get(gateway.port).body for _ in range(6)} == {b"second"}
        first.health = ok(status=b"302 Found")
        eventually(lambda: healthy(gateway) == [True, True])
        assert {get(gateway.port).body for _ in range(4)} == {b"first", b"second"}


def test_one_failure_is_none() -> None:
    service = Service()
    seen: list[bool] = []
    with RawUpstream(service) as upstream, forwarding_to(upstream.url, transport={"checks": checks()}) as gateway:
        for _ in range(3):
            before = upstream.hits
            service.health = ok(status=b"503 x")
            eventually(lambda before=before: upstream.hits > before)  # type: ignore[misc]
            service.health = ok()
            seen += healthy(gateway)
            after = upstream.hits
            eventually(lambda after=after: upstream.hits > after + 1)  # type: ignore[misc]
    assert seen == [True] * 3


def test_no_target_is_left_says_so_and_when_to_come_back() -> None:
    service = Service()
    service.health = ok(status=b"500 x")
    with RawUpstream(service) as upstream, forwarding_to(upstream.url, transport={"checks": checks(1.2)}) as gateway:
        eventually(lambda: healthy(gateway) == [False])
        answer = get(gateway.port)
        assert (answer.status, answer.one(b"gateway-reason")) == (503, b"upstream-unavailable")
        assert answer.one(b"retry-after") == b"2"


def test_a_target_that_comes_up_is_found() -> None:
    port = free_port()
    with forwarding_to(f"http://127.0.0.1:{port}", transport={"checks": checks()}) as gateway:
        eventually(lambda: healthy(gateway) == [False])
        assert get(gateway.port).status == 503
        with RawUpstream(Service(), port=port):
            eventually(lambda: healthy(gateway) == [True])
            assert get(gateway.port).status == 200


def test_checks_are_spread_named_and_take_no_turn() -> None:
    service = Service()
    service.answer = None
    with (
        RawUpstream(service) as upstream,
        forwarding_to(upstream.url, transport={"checks": checks(0.1), "connections": 1}) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        eventually(lambda: any(request.target == b"/" for request in upstream.requests))
        times: list[float] = []
        for _ in range(6):
            before = upstream.hits
            eventually(lambda before=before: upstream.hits > before)  # type: ignore[misc]
            times.append(time.monotonic())
        assert healthy(gateway) == [True]
        check = upstream.requests[-1]
        assert (check.start, check.one(b"host")) == (
            b"GET /health?deep HTTP/1.1",
            b"127.0.0.1:%d" % upstream.port,
        )
        assert check.one(b"user-agent") == b"gateway-health-check"
        assert all(0.05 < later - earlier < 0.25 for earlier, later in pairwise(times))


# Ejection.

FAILING: dict[str, Callable[[Peer], None]] = {
    "closed": lambda peer: peer.close(),
    "garbage": lambda peer: peer.send(b"garbage\r\n\r\n"),
    "silent": lambda peer: peer.gone(),
}


def failing(how: Callable[[Peer], None], well: list[bool]) -> Script:
    def script(peer: Peer) -> None:
        while peer.request() is not None:
            peer.send(ok()) if well else how(peer)

    return script


def circuit(gateway: ForwardServer) -> str:
    return gateway.transport.status().targets[0].circuit


@pytest.mark.parametrize("how", list(FAILING.values()), ids=list(FAILING))
def test_failures_in_a_row_eject_and_one_request_brings_back(how: Callable[[Peer], None]) -> None:
    well: list[bool] = []
    eject = {"eject": Eject(3, 0.3)}
    with (
        RawUpstream(failing(how, well)) as upstream,
        forwarding_to(upstream.url, transport=eject, response_timeout=0.15) as gateway,
    ):
        assert [get(gateway.port).status // 100 for _ in range(3)] == [5, 5, 5]
        assert circuit(gateway) == Circuit.OPEN.value
        started = time.monotonic()
        answer = get(gateway.port)
        assert (answer.status, answer.one(b"retry-after")) == (503, b"1")
        assert time.monotonic() - started < 0.1
        assert upstream.hits == 3
        well.append(True)
        eventually(lambda: circuit(gateway) == Circuit.HALF_OPEN.value)
        assert get(gateway.port).status == 200
        assert circuit(gateway) == Circuit.CLOSED.value


def test_a_success_between_failures_starts_the_count_again() -> None:
    count = 0

    def script(peer: Peer) -> None:
        nonlocal count
        while peer.request() is not None:
            count += 1
            if count % 3:
                return
            peer.send(ok(b"ok", b"Connection: close"))

    with RawUpstream(script) as upstream, forwarding_to(upstream.url, transport={"eject": Eject(3, 5.0)}) as gateway:
        assert [get(gateway.port).status for _ in range(9)] == [502, 502, 200] * 3
        assert circuit(gateway) == Circuit.CLOSED.value


def test_only_one_request_tries_a_target_that_was_ejected_and_a_failure_doubles_the_pause() -> None:
    with (
        RawUpstream(failing(lambda peer: peer.gone(), [])) as upstream,
        forwarding_to(upstream.url, transport={"eject": Eject(1, 0.2)}, response_timeout=0.3) as gateway,
        RawClient(gateway.port) as trial,
    ):
        assert get(gateway.port).status == 504
        eventually(lambda: circuit(gateway) == Circuit.HALF_OPEN.value)
        trial.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        eventually(lambda: circuit(gateway) == Circuit.TRIAL.value)
        assert {get(gateway.port).status for _ in range(5)} == {503}
        assert upstream.hits == 2
        assert trial.response().status == 504
        opened = time.monotonic()
        eventually(lambda: circuit(gateway) == Circuit.HALF_OPEN.value)
        assert time.monotonic() - opened > 0.3


def test_a_trial_whose_client_leaves_says_nothing() -> None:
    with (
        RawUpstream(failing(lambda peer: peer.gone(), [])) as upstream,
        forwarding_to(upstream.url, transport={"eject": Eject(1, 0.1)}, response_timeout=0.2) as gateway,
    ):
        assert get(gateway.port).status == 504
        eventually(lambda: circuit(gateway) == Circuit.HALF_OPEN.value)
        client = RawClient(gateway.port)
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        eventually(lambda: circuit(gateway) == Circuit.TRIAL.value)
        client.close()
        eventually(lambda: circuit(gateway) == Circuit.HALF_OPEN.value)
        assert upstream.hits == 2


def test_answers_that_are_valid_eject_nobody() -> None:
    with (
        RawUpstream(answers(ok(status=b"503 Service Unavailable"))) as upstream,
        forwarding_to(upstream.url, transport={"eject": Eject(1, 5.0)}) as gateway,
    ):
        assert Counter(get(gateway.port).status for _ in range(5)) == {503: 5}
        assert upstream.hits == 5


def test_the_other_target_serves_while_one_is_ejected() -> None:
    with (
        RawUpstream(failing(lambda peer: peer.close(), [])) as bad,
        RawUpstream() as good,
        forwarding_to(bad.url, good.url, transport={"eject": Eject(2, 10.0), "round_robin": True}) as gateway,
    ):
        statuses = [get(gateway.port).status for _ in range(20)]
        assert statuses.count(502) == 2
        assert bad.hits == 2
        assert statuses[-10:] == [200] * 10
