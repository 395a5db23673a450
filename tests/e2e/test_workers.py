"""Two workers behind one port: they share revocations, are measured together, are replaced, and leave together."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.support.processes import alive, frozen, workers_of
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway, running


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream) -> Iterator[RunningGateway]:
    """Two workers on one SQLite file."""
    with running(tmp_path_factory.mktemp("workers"), upstream=echo.url, workers=2) as started:
        yield started


def ask(client: RawClient, granted: dict[str, Any], line: str = "GET /any/x") -> int:
    token = granted["access_token"]
    head = f"{line} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
    return client.ask(head.encode()).status


def one_connection_to_each(gateway: RunningGateway, stack: ExitStack, granted: dict[str, Any]) -> list[RawClient]:
    """While one worker stands still, only the other can accept."""
    clients = []
    for pid in workers_of(gateway):
        with frozen(pid):
            clients.append(stack.enter_context(RawClient(gateway.port)))
            assert ask(clients[-1], granted) == 200
    return clients


def metric(gateway: RunningGateway, series: str) -> float:
    lines = gateway.probe("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))


def test_a_logout_on_one_is_refused_by_the_other_within_a_second(fleet: RunningGateway) -> None:
    granted = fleet.register("fleet@example.com")
    with ExitStack() as stack:
        one, other = one_connection_to_each(fleet, stack, granted)
        assert ask(one, granted, "POST /auth/logout") == 200
        eventually(lambda: ask(other, granted) == ask(one, granted) == 401, 1)


def test_metrics_are_those_of_both(fleet: RunningGateway) -> None:
    granted = fleet.register("metrics@example.com")
    series = 'gateway_requests_total{reason="allowed",route="any",status="200"}'
    with ExitStack() as stack:
        clients = one_connection_to_each(fleet, stack, granted)
        before = metric(fleet, series)
        for client in clients * 5:
            assert ask(client, granted) == 200
        assert metric(fleet, series) - before == 10
    assert metric(fleet, "gateway_workers ") == 2


@pytest.mark.slow
def test_a_killed_worker_is_replaced_whatever_the_file_says_by_then(fleet: RunningGateway) -> None:
    before = workers_of(fleet)
    counted = metric(fleet, "gateway_requests_total")
    written = fleet.config.read_text()
    fleet.config.write_text("broken: [")
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: not fleet.ready(), 3)
    granted = fleet.register("replaced@example.com")
    assert granted["role"] == "user"
    eventually(fleet.ready, 20)
    after = workers_of(fleet)
    assert len(after) == 2
    assert before[1] in after
    assert before[0] not in after
    assert metric(fleet, "gateway_requests_total") > counted > 0
    talk = fleet.talk.read_text()
    assert f"gateway: worker {before[0]} ended by signal 9; started {(set(after) - set(before)).pop()}\n" in talk
    assert "Traceback" not in talk
    fleet.config.write_text(written)


@pytest.mark.slow
def test_no_worker_outlives_its_supervisor(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path, workers=2).start()
    workers = workers_of(gateway)
    assert len(workers) == 2
    gateway.stop(signal.SIGKILL)
    gateway.http.close()
    eventually(lambda: not any(alive(pid) for pid in workers), 8)
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", gateway.port))
