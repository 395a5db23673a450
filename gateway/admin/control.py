"""How the supervisor asks its workers: one Unix socket a worker, one JSON line an answer."""

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gateway.admin.report import WorkerReport

_TIMEOUT_SECONDS: Final = 2.0
_MAX_REPORT: Final = 8 * 1024 * 1024


class ControlServer:
    """Answers every connection to `directory`/worker-<pid>.sock with this worker's report."""

    def __init__(self, directory: Path, report: Callable[[], WorkerReport]) -> None:
        self.path = directory / f"worker-{os.getpid()}.sock"
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
    """The workers that have a socket in `directory`. `phase` is the supervisor's."""

    def __init__(self, directory: Path, expected: int, phase: Callable[[], str | None]) -> None:
        self.directory = directory
        self.expected = expected
        self._phase = phase

    @property
    def phase(self) -> str | None:
        return self._phase()

    async def reports(self) -> Sequence[WorkerReport]:
        """Workers that do not answer in time are left out, so that they count as missing."""
        paths = sorted(self.directory.glob("worker-*.sock"))
        answers = await asyncio.gather(*(_ask(path) for path in paths))
        return [answer for answer in answers if answer is not None]


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
