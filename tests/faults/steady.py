"""Good traffic to another route of the same gateway while something is wrong with one."""

import asyncio
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.proxy.harness import ForwardServer, forwarding_to
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream

T = TypeVar("T")
_PAUSE = 0.01


class Steady:
    """A request about every ten milliseconds; `statuses` and `slowest` (seconds) tell how they fared."""

    def __init__(self, port: int) -> None:
        self.statuses: list[int] = []
        self.slowest = 0.0
        self._port = port
        self._stopped = threading.Event()

    def run(self) -> None:
        with RawClient(self._port) as client:
            while not self._stopped.wait(_PAUSE):
                started = time.monotonic()
                self.statuses.append(client.ask(b"GET /beside HTTP/1.1\r\nHost: h\r\n\r\n").status)
                self.slowest = max(self.slowest, time.monotonic() - started)

    def stop(self) -> None:
        self._stopped.set()


@contextmanager
def beset(*urls: str, **setting: Any) -> Iterator[ForwardServer]:
    """A gateway in front of an upstream that misbehaves.

    At the end the good traffic must have gone on undisturbed, and the gateway be as it was: no exchange under
    way, no request waiting, no task left behind.
    """
    with RawUpstream() as good, forwarding_to(*urls, beside=good.url, **setting) as gateway:
        idle = gateway.call(tasks())
        steady = Steady(gateway.port)
        thread = threading.Thread(target=steady.run, daemon=True)
        thread.start()
        eventually(lambda: len(steady.statuses) > 2)
        try:
            yield gateway
        finally:
            steady.stop()
            thread.join(5)
        assert set(steady.statuses) == {200}
        assert steady.slowest < 1.0
        eventually(lambda: whole(gateway))
        eventually(lambda: gateway.call(tasks()) <= idle)


async def tasks() -> int:
    """How many there are on the gateway's loop."""
    return len(asyncio.all_tasks()) - 1


def whole(gateway: ForwardServer) -> bool:
    """Whether every turn has been given back and every connection is idle or gone."""
    status = gateway.transport.status()
    busy = [target.engine.size - target.engine.idle for target in gateway.transport.targets]
    return (status.in_use, status.waiting, sum(busy)) == (0, 0, 0)


def memory() -> float:
    """What this process holds now, in MiB; where the system does not say, the most it has ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return pages * resource.getpagesize() / 1024 / 1024


def timed(action: Callable[[], T]) -> tuple[T, float]:
    """What it returns, and the seconds it took."""
    started = time.monotonic()
    return action(), time.monotonic() - started
