"""One of the places where an upstream's requests can go, and what is known of its health."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.errors import UpstreamFailed
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.transport import Engine
from gateway.reasons import Reason

_CHECKS_UNTIL_DOWN: Final = 2
# A target that refuses connections is done with its requests first: the least busy one would draw all of them.
_SHUN_SECONDS: Final = 1.0
_LONGEST_PAUSE: Final = 8

logger = logging.getLogger("gateway.upstreams")


@dataclass(frozen=True, slots=True)
class Eject:
    """After `failures` in a row a target gets no request for `pause` seconds, then one, on which all depends.

    Each time that one fails too, the pause doubles, up to eight times its length.
    """

    failures: int
    pause: float


class Circuit(Enum):
    """Whether requests reach a target: yes, not for a while, one would, one is on its way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"
    TRIAL = "trial"


class Target:
    """`ready` is all that choosing a target reads; everything else here changes it, and that rarely.

    `healthy` is what active checks say, `circuit` what became of requests, `shunned` that a connection has
    just failed: such a target is taken only when no other is left.
    """

    def __init__(self, upstream: str, endpoint: Endpoint, engine: Engine, eject: Eject | None = None) -> None:
        self.upstream = upstream
        self.endpoint = endpoint
        self.engine = engine
        self.in_use = 0
        self.ready = self.healthy = True
        self.shunned = False
        self.circuit = Circuit.CLOSED
        self.failures = 0
        self._eject = eject
        self._pauses = 0
        self._failed_checks = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    @property
    def usable(self) -> bool:
        """Whether it may be tried when no target is ready."""
        return self.healthy and self.circuit in (Circuit.CLOSED, Circuit.HALF_OPEN)

    def returns_in(self, loop: asyncio.AbstractEventLoop) -> float | None:
        """Seconds until it is tried again by itself; None when that depends on a check or a request."""
        timer = self._timers.get("eject")
        return None if timer is None or not self.healthy else max(0.0, timer.when() - loop.time())

    # Requests.

    def begin(self) -> bool:
        """Count a request in; True when it is the trial, which `succeeded`, `failed` and `gave_up` are told."""
        self.in_use += 1
        if self.circuit is not Circuit.HALF_OPEN:
            return False
        self._turn(Circuit.TRIAL)
        return True

    def succeeded(self, *, trial: bool) -> None:
        """A valid answer came."""
        if trial:
            self._pauses = 0
            self._turn(Circuit.CLOSED)
            logger.info("upstream %s: %s answers again", self.upstream, self.endpoint)
        if self.failures and self.circuit is Circuit.CLOSED:
            self.failures = 0

    def broke_off(self, failure: BaseException, *, trial: bool) -> None:
        """A request that was begun ended without an answer."""
        self.finished()
        if isinstance(failure, UpstreamFailed):
            self.failed(failure, trial=trial)
        else:
            self.gave_up(trial=trial)

    def failed(self, failure: UpstreamFailed, *, trial: bool) -> None:
        """No connection, or no valid answer in time. What was under way before an ejection counts no more."""
        if failure.reason is Reason.UPSTREAM_UNREACHABLE:
            self._shun()
        if self._eject is None or not (trial or self.circuit is Circuit.CLOSED):
            return
        self.failures += 1
        if trial or self.failures >= self._eject.failures:
            self._open(self._eject.pause, failure.why)

    def gave_up(self, *, trial: bool) -> None:
        """The request ended for a reason that says nothing of the target."""
        if trial:
            self._turn(Circuit.HALF_OPEN)

    def finished(self) -> None:
        """Count a request out."""
        self.in_use -= 1

    # Active checks.

    def checked(self, problem: str | None) -> None:
        """Take the result of a health check: two failures in a row put the target down, one success up."""
        self._failed_checks = 0 if problem is None else self._failed_checks + 1
        if problem is None and not self.healthy:
            logger.info("upstream %s: %s is well again", self.upstream, self.endpoint)
        if problem is not None and self._failed_checks == _CHECKS_UNTIL_DOWN:
            logger.warning("upstream %s: %s is down: %s", self.upstream, self.endpoint, problem)
        self.healthy = self._failed_checks < _CHECKS_UNTIL_DOWN if self.healthy else problem is None
        self._settle()

    def _open(self, pause: float, why: str) -> None:
        pause *= min(2**self._pauses, _LONGEST_PAUSE)
        self._pauses += 1
        self.failures = 0
        self._turn(Circuit.OPEN)
        self._after("eject", pause, self._half_open)
        logger.warning("upstream %s: %s is left alone for %g s: %s", self.upstream, self.endpoint, pause, why)

    def _half_open(self) -> None:
        del self._timers["eject"]
        self._turn(Circuit.HALF_OPEN)

    def _shun(self) -> None:
        self.shunned = True
        self._after("shun", _SHUN_SECONDS, self._forgive)
        self._settle()

    def _forgive(self) -> None:
        self.shunned = False
        self._settle()

    def _after(self, what: str, seconds: float, then: Callable[[], None]) -> None:
        if what in self._timers:
            self._timers[what].cancel()
        self._timers[what] = asyncio.get_running_loop().call_later(seconds, then)

    def _turn(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self._settle()

    def _settle(self) -> None:
        self.ready = self.usable and not self.shunned
