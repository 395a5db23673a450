"""How the supervisor hears of its workers: over sockets, whatever state they are in."""

import asyncio
from pathlib import Path

from gateway.admin.control import ControlServer, SocketFleet
from gateway.admin.report import WorkerReport, waiting_for


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
