"""Child processes that end with the run, and what they cost: CPU time and memory, as Linux tells."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """One running program; `log` takes all it says, and is cut off by `trim`."""

    def __init__(self, name: str, argv: Sequence[str], *, log: Path, environ: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        # The kernel ends it with us, even when we are killed.
        tether = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                [*tether, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **environ},
            )

    def alive(self) -> bool:
        return self.popen.poll() is None

    def tail(self) -> str:
        """The end of what it said."""
        return self.log.read_bytes()[-2000:].decode(errors="replace")

    def trim(self) -> None:
        """Forget what it said; it goes on at the (new) end."""
        os.truncate(self.log, 0)

    def cpu_seconds(self) -> float:
        """User and system time of all its threads."""
        return sum(self._times())

    def kernel_seconds(self) -> float:
        """The part of `cpu_seconds` that was spent in the kernel."""
        return self._times()[1]

    def _times(self) -> tuple[float, float]:
        """User and system time."""
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) / _TICKS, int(fields[12]) / _TICKS

    def memory(self) -> int:
        """Resident bytes."""
        return self._status("VmRSS")

    def peak_memory(self) -> int:
        """The most resident bytes since `reset_peak`."""
        return self._status("VmHWM")

    def reset_peak(self) -> None:
        Path(f"/proc/{self.popen.pid}/clear_refs").write_text("5")

    def _status(self, key: str) -> int:
        for line in Path(f"/proc/{self.popen.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"{self.name} is gone:\n{self.tail()}")

    def stop(self) -> None:
        """Ask, then insist."""
        if self.alive():
            self.popen.terminate()
        try:
            self.popen.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
