"""The worker processes of a running gateway, from the outside."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.running_gateway import RunningGateway


def workers_of(gateway: RunningGateway) -> list[int]:
    """Process ids, as `ps` lists the children of the supervisor."""
    if gateway.process is None:
        return []
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [int(pid) for pid, parent, what in rows if int(parent) == gateway.process.pid and "spawn_main" in what]


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie nobody waited for does not)."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()[:1] not in ("", "Z")


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
