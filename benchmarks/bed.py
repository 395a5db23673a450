"""The test bed of one run: a temporary directory, the cores, and every process started on them."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.ask import wait_for
from benchmarks.cores import LOAD, Cores, split_cores
from benchmarks.install import need_program
from benchmarks.plan import Plan
from benchmarks.processes import Process
from tests.support.ports import free_port

PEERS = Path(__file__).parent / "peers"


class Bed:
    """As a context manager it ends what it started and removes the directory, whatever happens."""

    def __init__(self, plan: Plan, cores: Cores | None = None) -> None:
        self.plan = plan
        self.cores = split_cores() if cores is None else cores
        self.directory = Path(tempfile.mkdtemp(prefix="gateway-benchmarks-"))
        self._running: list[Process] = []
        self._upstream: int | None = None

    def __enter__(self) -> Self:
        # What this process measures itself, it measures from where the load comes from.
        if self.cores.load:
            os.sched_setaffinity(0, self.cores.load)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running):
            process.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.cores.load:
            os.sched_setaffinity(0, {*self.cores.load, *self.cores.proxy})

    def start(self, name: str, argv: Sequence[str], role: str, environ: Mapping[str, str] | None = None) -> Process:
        """Start a program on the cores of its role; it is stopped at the end at the latest."""
        log = self.directory / f"{name}-{len(self._running)}.log"
        process = Process(name, [*self.cores.prefix(role), *argv], log=log, environ=environ or {})
        self._running.append(process)
        return process

    def render(self, template: str, **values: object) -> Path:
        """A configuration file of `peers/` with its @NAMES@ filled in, in a directory of its own."""
        source = PEERS / template
        directory = Path(tempfile.mkdtemp(prefix=f"{source.parent.name}-", dir=self.directory))
        text = source.read_text().replace("@DIRECTORY@", str(directory))
        for name, value in values.items():
            text = text.replace(f"@{name.upper()}@", str(value))
        made = directory / source.name
        made.write_text(text)
        return made

    def upstream(self) -> int:
        """The port of the one nginx that stands behind every proxy."""
        if self._upstream is None:
            port = free_port()
            config = self.render("upstream/nginx.conf", port=port)
            process = self.start("upstream", [need_program("nginx"), "-c", str(config)], LOAD)
            wait_for(process, port)
            self._upstream = port
        return self._upstream
