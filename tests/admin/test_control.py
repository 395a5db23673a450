"""How the supervisor hears of its workers: over sockets, whatever state they are in."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.admin.control import ControlServer, SocketFleet
from gateway.admin.report import WorkerReport, waiting_for
from gateway.observe.counters import Counters
from gateway.observe.exposition import render


def fleet_in(directory: Path, expected: int = 1, phase: str | None = None) -> SocketFleet:
    return SocketFleet(directory, expected, lambda: phase)


async def test_a_report_arrives_whole(tmp_path: Path) -> None:
    report = WorkerReport(7, ("something",), {"requests": [["a", "b", 200, 1]] * 10_000})
    server = ControlServer(tmp_path, lambda: report)
    await server.open()
    assert await fleet_in(tmp_path).reports() == [report]
    await server.close()
    assert list(tmp_path.iterdir()) == []


async def test_a_worker_that_died_is_forgotten(tmp_path: Path) -> None:
    dead = tmp_path / "worker-1.sock"
    server = await asyncio.start_unix_server(lambda _reader, _writer: None, dead)
    server.close()
    await server.wait_closed()
    assert await fleet_in(tmp_path).reports() == []


def counted(requests: int, waiting: int = 0) -> WorkerReport:
    """A report of this process, after so many requests and with some still running."""
    counters = Counters()
    for _ in range(requests):
        counters.observe_request("orders", "allowed", 200, 0.001)
    counters.in_flight = waiting
    return WorkerReport(os.getpid(), (), counters.snapshot())


def total(fleet: SocketFleet, reports: Sequence[WorkerReport]) -> tuple[int, int, int]:
    """Requests, those in flight, and workers, as `/metrics` shows them."""
    text = render([report.metrics for report in reports], fleet.past()).decode()
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    series = 'gateway_requests_total{reason="allowed",route="orders",status="200"}'
    names = (series, "gateway_in_flight", "gateway_workers")
    return tuple(int(float(lines.get(name, "0"))) for name in names)  # type: ignore[return-value]


async def test_what_a_worker_counted_outlives_it_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    fleet = fleet_in(tmp_path)
    seen = []
    for requests in (5, 7):
        server = ControlServer(tmp_path, lambda requests=requests: counted(requests, waiting=2))  # type: ignore[misc]
        await server.open()
        seen.append(total(fleet, await fleet.reports()))
        await server.close()
        seen += [total(fleet, await fleet.reports()) for _ in range(2)]
    assert seen == [(5, 2, 1), (5, 0, 0), (5, 0, 0), (12, 2, 1), (12, 0, 0), (12, 0, 0)]


async def test_a_worker_that_is_silent_for_a_while_is_not_counted_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = fleet_in(tmp_path)
    server = ControlServer(tmp_path, lambda: counted(5))
    await server.open()
    assert total(fleet, await fleet.reports()) == (5, 0, 1)
    with monkeypatch.context() as patched:
        patched.setattr("gateway.admin.control._TIMEOUT_SECONDS", 0.0)
        assert total(fleet, await fleet.reports()) == (5, 0, 0)
    assert total(fleet, await fleet.reports()) == (5, 0, 1)
    await server.close()


async def test_a_worker_that_talks_nonsense_counts_as_missing(tmp_path: Path) -> None:
    async def nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"{}\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(nonsense, tmp_path / "worker-2.sock"):
        fleet = fleet_in(tmp_path)
        assert waiting_for(fleet, await fleet.reports()) == ["1 of 1 workers"]


def test_what_keeps_from_being_ready_is_named_once(tmp_path: Path) -> None:
    reports = [WorkerReport(1, ("b", "a")), WorkerReport(2, ("a",))]
    assert waiting_for(fleet_in(tmp_path, 3, "starting"), reports) == ["starting", "1 of 3 workers", "a", "b"]
    assert waiting_for(fleet_in(tmp_path, 2), [WorkerReport(1), WorkerReport(2)]) == []
