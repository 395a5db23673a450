"""Load on one URL with wrk, and what it cost the proxy that took it."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cores import LOAD, Cores, busy_seconds
from benchmarks.processes import Process

_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask, and how hard. `token` is sent as a Bearer token."""

    url: str
    token: str
    connections: int
    seconds: int

    def command(self, cores: Cores) -> list[str]:
        """wrk's command line; the answer times out after 20 seconds."""
        bearer = f"Authorization: Bearer {self.token}"
        options = ["-t1", f"-c{self.connections}", f"-d{self.seconds}s", "--timeout", "20s", "-s", str(_SCRIPT)]
        return [*cores.prefix(LOAD), "wrk", *options, "-H", bearer, self.url]


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of wrk. Latencies in microseconds; `refused` are answers of 400 and above, `broken` lost ones.

    `cpu_micros`: of the proxy's processor time for each request. `own` and `load` are the shares of the run
    that the proxy was working and that the load's cores were busy; `foreign` is what others took of its core.
    """

    rate: float
    p50: float
    p99: float
    refused: int
    broken: int
    cpu_micros: float = 0.0
    own: float = 0.0
    load: float = 0.0
    foreign: float = 0.0


def run_load(load: Load, cores: Cores, proxy: Process | None = None) -> Sample:
    """Run wrk; RuntimeError when it fails or nothing was answered."""
    cpu, busy = _cpu(proxy), (busy_seconds(cores.proxy), busy_seconds(cores.load))
    started = time.monotonic()
    figures = _wrk(load, cores)
    elapsed = time.monotonic() - started
    cpu = _cpu(proxy) - cpu
    proxy_core, load_cores = busy_seconds(cores.proxy) - busy[0], busy_seconds(cores.load) - busy[1]
    if not figures["requests"]:
        raise RuntimeError(f"nothing was answered at {load.url}")
    return Sample(
        rate=figures["requests"] / figures["micros"] * 1e6,
        p50=figures["p50"],
        p99=figures["p99"],
        refused=figures["refused"],
        broken=figures["broken"],
        cpu_micros=cpu / figures["requests"] * 1e6,
        own=cpu / elapsed,
        load=load_cores / elapsed / max(1, len(cores.load)),
        foreign=max(0.0, proxy_core - cpu) / elapsed if cores.proxy else 0.0,
    )


def _cpu(proxy: Process | None) -> float:
    return 0.0 if proxy is None else proxy.cpu_seconds()


def _wrk(load: Load, cores: Cores) -> dict[str, int]:
    done = subprocess.run(load.command(cores), capture_output=True, text=True, timeout=load.seconds + 60, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("FIGURES "):
            figures: dict[str, int] = json.loads(line.removeprefix("FIGURES "))
            return figures
    raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
