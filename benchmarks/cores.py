"""Which core does what, so that the proxy under test and the load on it never share one."""

import os
import shutil
from dataclasses import dataclass

PROXY, LOAD = "proxy", "load"


@dataclass(frozen=True, slots=True)
class Cores:
    """Core numbers for the proxy under test, and for load generators and upstreams; empty: not pinned."""

    proxy: tuple[int, ...]
    load: tuple[int, ...]

    def prefix(self, role: str) -> list[str]:
        """What to put before a command line."""
        cores = self.proxy if role == PROXY else self.load
        return ["taskset", "-c", ",".join(map(str, cores))] if cores else []

    def describe(self) -> str:
        """One sentence for the report."""
        if not self.proxy:
            return "Nothing was pinned to a core (that needs `taskset` and two cores)."
        load = ", ".join(map(str, self.load))
        return (
            f"The proxy under test had core {self.proxy[0]} to itself; "
            f"load generator and upstream shared {'core' if len(self.load) == 1 else 'cores'} {load}."
        )


def split_cores() -> Cores:
    """The last core for the proxy, all others for the load; interrupts like the first core best."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2 or shutil.which("taskset") is None:
        return Cores((), ())
    return Cores((allowed[-1],), tuple(allowed[:-1]))


def busy_seconds(cores: tuple[int, ...]) -> float:
    """How long these cores have worked since the machine started, for anybody."""
    wanted = {f"cpu{number}" for number in cores}
    ticks = 0
    with open("/proc/stat") as lines:
        for line in lines:
            name, *times = line.split()
            if name in wanted:
                # user nice system idle iowait irq softirq steal: idle and iowait are not work.
                ticks += sum(int(time) for place, time in enumerate(times[:8]) if place not in (3, 4))
    return ticks / os.sysconf("SC_CLK_TCK")
