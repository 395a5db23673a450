"""How the supervisor asks its workers: one Unix socket a worker, one JSON line an answer."""

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gateway.admin.report import WorkerReport
from gateway.observe.merge import Snapshot, merge

_TIMEOUT_SECONDS: Final = 2.0
_MAX_REPORT: Final = 8 * 1024 * 1024


def socket_of(directory: Path, pid: int) -> Path:
    """Where a worker answers."""
    return directory / f"worker-{pid}.sock"


class ControlServer:
    """Answers every connection to `directory`/worker-<pid>.sock with this worker's report."""

    def __init__(self, directory: Path, report: Callable[[], WorkerReport]) -> None:
        self.path = socket_of(directory, os.getpid())
        self.report = report
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._answer, self.path)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self.path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(json.dumps(self.report().to_dict()).encode() + b"\n")
            await writer.drain()
        writer.close()


class SocketFleet:
    """The workers that have a socket in `directory`. `phase` is the supervisor's.

    What a worker had counted when it was last asked is kept after its end.
    """

    def __init__(self, directory: Path, expected: int, phase: Callable[[], str | None]) -> None:
        self.directory = directory
        self.expected = expected
        self._phase = phase
        self._last: dict[int, Snapshot] = {}
        self._silent: list[Snapshot] = []
        self._ended: Snapshot | None = None
        self._asking = asyncio.Lock()

    @property
    def phase(self) -> str | None:
        return self._phase()

    async def reports(self) -> Sequence[WorkerReport]:
        """Workers that do not answer in time are left out, so that they count as missing."""
        async with self._asking:
            paths = sorted(self.directory.glob("worker-*.sock"))
            answers = await asyncio.gather(*(_ask(path) for path in paths))
            reports = [answer for answer in answers if answer is not None]
            self._remember(reports)
            return reports

    def past(self) -> Sequence[Snapshot]:
        return [*self._silent, *([] if self._ended is None else [self._ended])]

    def _remember(self, reports: Sequence[WorkerReport]) -> None:
        self._last |= {report.pid: report.metrics for report in reports}
        missing = self._last.keys() - {report.pid for report in reports}
        ended = {pid for pid in missing if not socket_of(self.directory, pid).exists()}
        if ended:
            counted = [self._last.pop(pid) for pid in ended]
            self._ended = merge([*counted, *([] if self._ended is None else [self._ended])]).counted()
        self._silent = [self._last[pid] for pid in missing - ended]


async def _ask(path: Path) -> WorkerReport | None:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path, limit=_MAX_REPORT)
            try:
                return WorkerReport.of(json.loads(await reader.readline()))
            finally:
                writer.close()
    except ConnectionRefusedError:
        # The worker died without taking its socket along.
        path.unlink(missing_ok=True)
    except (OSError, TimeoutError, ValueError, KeyError):
        return None
    return None
