"""The transport of an upstream: its targets, how many requests they get at a time, and second chances."""

import asyncio
import math
from collections.abc import Sequence
from functools import partial

from gateway.errors import UpstreamFailed
from gateway.proxy.balance import choice
from gateway.proxy.health import HealthChecks
from gateway.proxy.retries import RetryBudget
from gateway.proxy.status import TargetStatus, UpstreamStatus
from gateway.proxy.target import Target
from gateway.proxy.transport import EngineResponse, Switch, UpstreamRequest
from gateway.proxy.turns import Turns
from gateway.reasons import Reason


class Targets:
    """Sends each request to one of `targets`, in its turn; see `Transport`.

    A request that no target has seen, or that can be sent again and got no byte of an answer, is tried up to
    `retries` times more, elsewhere if there is an elsewhere. A deadline that has passed leaves no time for that.
    With `own_hosts` the Host field is that of the target the request goes to (RFC 9110 section 7.2).
    """

    def __init__(
        self,
        name: str,
        targets: Sequence[Target],
        turns: Turns,
        *,
        round_robin: bool = False,
        retries: int = 0,
        own_hosts: bool = True,
        checks: HealthChecks | None = None,
    ) -> None:
        self.name = name
        self.targets = tuple(targets)
        self.turns = turns
        self._choose = choice(self.targets, round_robin=round_robin)
        self._retries = retries
        self._budget = RetryBudget()
        self._checks = checks
        # A request comes with the Host of the first.
        first = self.targets[0].endpoint.authority
        several = any(target.endpoint.authority != first for target in self.targets)
        self._own_hosts = own_hosts and several
        self._ends = {target: partial(self._finish, target) for target in self.targets}
        for target in self.targets:
            target.engine.make_room = self._make_room

    async def open(self) -> None:
        for target in self.targets:
            await target.engine.open()
        if self._checks is not None:
            self._checks.open(self.targets)

    async def close(self) -> None:
        if self._checks is not None:
            await self._checks.close()
        for target in self.targets:
            target.close()
            await target.engine.close()

    async def send(self, request: UpstreamRequest) -> EngineResponse:
        """See `Transport.send`."""
        turns = self.turns
        if turns.free > 0:
            turns.free -= 1
        else:
            await turns.wait()
        try:
            retries = self._retries if request.retries is None else request.retries
            if retries == 0:
                return await self._attempt(self._next_target(), request)
            return await self._persist(request, retries)
        except BaseException:
            turns.give()
            raise

    async def switch(self, request: UpstreamRequest) -> Switch:
        """See `Transport.switch`. What begins so may last for days, so it takes no turn."""
        tried: list[Target] = []
        target = self._next_target()
        while True:
            try:
                return await self._switch_at(target, request)
            except UpstreamFailed as failure:
                tried.append(target)
                following = self._choose(tried)
                nothing_sent = failure.reason is Reason.UPSTREAM_UNREACHABLE
                if not nothing_sent or len(tried) > self._retries or following is None:
                    raise
            target = following

    async def _switch_at(self, target: Target, request: UpstreamRequest) -> Switch:
        trial = target.begin()
        if self._own_hosts:
            _set_host(request, target.endpoint.authority)
        try:
            response = await target.engine.switch(request)
        except BaseException as failure:
            target.broke_off(failure, trial=trial)
            raise
        target.succeeded(trial=trial)
        response.on_close = target.finished
        return response

    async def _persist(self, request: UpstreamRequest, retries: int) -> EngineResponse:
        self._budget.earn()
        tried: list[Target] = []
        target = self._next_target()
        while True:
            try:
                return await self._attempt(target, request)
            except UpstreamFailed:
                tried.append(target)
                following = self._choose(tried)
                if request.spent or len(tried) > retries or following is None or not self._budget.spend():
                    raise
            target = following

    async def _attempt(self, target: Target, request: UpstreamRequest) -> EngineResponse:
        trial = target.begin()
        if self._own_hosts:
            _set_host(request, target.endpoint.authority)
        try:
            response = await target.engine.send(request)
        except BaseException as failure:
            target.broke_off(failure, trial=trial)
            raise
        target.succeeded(trial=trial)
        response.on_close = self._ends[target]
        return response

    def _finish(self, target: Target) -> None:
        target.finished()
        self.turns.give()

    def _next_target(self) -> Target:
        target = self._choose(())
        if target is None:
            raise self._unavailable()
        return target

    def _unavailable(self) -> UpstreamFailed:
        loop = asyncio.get_running_loop()
        times = [seconds for target in self.targets if (seconds := target.returns_in(loop)) is not None]
        if self._checks is not None:
            times.append(self._checks.interval)
        wait = max(1, math.ceil(min(times, default=1.0)))
        return UpstreamFailed(Reason.UPSTREAM_UNAVAILABLE, self.name, "no target is available", retry_after=wait)

    def _make_room(self) -> None:
        """Before a connection is made: close an idle one, anywhere, if there are as many as there may be."""
        if sum(target.engine.size for target in self.targets) >= self.turns.limit:
            most = max(self.targets, key=lambda target: target.engine.idle)
            most.engine.drop_idle()

    def status(self) -> UpstreamStatus:
        """How things stand now."""
        targets = tuple(
            TargetStatus(
                url=str(target.endpoint),
                ready=target.ready,
                healthy=target.healthy,
                circuit=target.circuit.value,
                in_use=target.in_use,
                connections=target.engine.size,
            )
            for target in self.targets
        )
        turns = self.turns
        return UpstreamStatus(targets, turns.limit - turns.free, turns.limit, turns.waiting)


def _set_host(request: UpstreamRequest, authority: bytes) -> None:
    request.headers = [(b"host", authority) if field[0] == b"host" else field for field in request.headers]
