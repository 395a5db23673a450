"""Asking each target regularly whether it is well, beside the requests and never in their way."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Final

from gateway.errors import UpstreamFailed
from gateway.proxy.target import Target
from gateway.proxy.transport import UpstreamRequest

_LONGEST_WAIT: Final = 5.0


class HealthChecks:
    """GETs `path` from each target every `interval` seconds, ten per cent more or less; 2xx and 3xx are well.

    The first check comes at once; until it is back, and until two have failed, a target counts as well. Checks
    take no turn: an upstream whose connections are all in use is not down for that.
    """

    def __init__(self, path: str, interval: float, *, jitter: Callable[[], float] | None = None) -> None:
        self.path = path.encode("ascii")
        self.interval = interval
        self._jitter = jitter or secrets.SystemRandom().random
        self._tasks: list[asyncio.Task[None]] = []

    def open(self, targets: Sequence[Target]) -> None:
        self._tasks = [asyncio.create_task(self._watch(target)) for target in targets]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _watch(self, target: Target) -> None:
        while True:
            target.checked(await self._check(target))
            await asyncio.sleep(self.interval * (0.9 + self._jitter() / 5))

    async def _check(self, target: Target) -> str | None:
        """What is wrong with the target, None for nothing."""
        patience = min(self.interval, _LONGEST_WAIT)
        fields = [(b"host", target.endpoint.authority), (b"user-agent", b"gateway-health-check"), (b"accept", b"*/*")]
        request = UpstreamRequest("GET", self.path, fields, None, patience, patience)
        try:
            async with asyncio.timeout(patience):
                response = await target.engine.send(request)
        except TimeoutError:
            return "no answer to the health check in time"
        except UpstreamFailed as failure:
            return failure.why
        status = response.status
        await response.close()
        return None if 200 <= status < 400 else f"status {status}"
