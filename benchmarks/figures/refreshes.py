"""How many refresh tokens one worker rotates in a second, on Redis."""

import asyncio
import time
from collections import Counter

from benchmarks.bed import Bed
from benchmarks.caller import Caller, run
from benchmarks.credentials import USER
from benchmarks.errors import Missing
from benchmarks.figure import Figure, table
from benchmarks.gateway_server import start_gateway
from benchmarks.redis_server import start_redis
from benchmarks.spread import Spread
from benchmarks.targets import REFRESHES, at_least, unmeasured

_SESSIONS = 64
_WHAT = "refreshes/s, Redis, one worker"
# One client refreshes faster here than any real one may.
_ALLOWED = {"accounts": {"throttle": {"refresh_session": "1000000/m"}}}


def measure(bed: Bed) -> Figure:
    """64 sessions of as many users, each rotating its newest token as fast as it is answered."""
    try:
        store = start_redis(bed)
    except Missing as missing:
        return Figure("refreshes", "Refreshes", str(missing), [unmeasured(_WHAT, f"≥ {REFRESHES:,.0f}/s", "no Redis")])
    gateway = start_gateway(bed, {"sessions": {"store": store}}, optional=_ALLOWED)
    refreshers = run(lambda: _sign_up(gateway.port))
    rates, cpu = [], gateway.process.cpu_seconds()
    statuses: Counter[int] = Counter()
    for _ in range(bed.plan.rounds):
        rate, seen = run(lambda: _rotate(gateway.port, refreshers, bed.plan.refresh_seconds / bed.plan.rounds))
        rates.append(rate)
        statuses += seen
    cpu = (gateway.process.cpu_seconds() - cpu) / statuses.total()
    found = Spread.of(rates)
    rows = [[f"{_SESSIONS}", found.text(), f"{cpu * 1e6:,.0f} µs", str(statuses.total() - statuses[200])]]
    text = table(("sessions at once", "refreshes/s", "CPU each", "not answered with 200"), rows)
    verdict = at_least(_WHAT, found, REFRESHES, ",.0f", "/s")
    return Figure("refreshes", "Refreshes", text, [verdict], {"rates": rates, "statuses": dict(statuses)})


async def _sign_up(port: int) -> list[str]:
    caller = await Caller.to(port)
    tokens = []
    for number in range(_SESSIONS):
        status, body = await caller.post("/auth/register", {**USER, "email": f"user{number}@example.com"})
        if status != 200:
            raise RuntimeError(f"registering was answered with {status}")
        tokens.append(body["body"]["refresh_token"])
    caller.close()
    return tokens


async def _rotate(port: int, tokens: list[str], seconds: float) -> tuple[float, Counter[int]]:
    """Refreshes in a second, and all statuses; `tokens` holds the newest of each session afterwards."""
    statuses: Counter[int] = Counter()
    end = time.monotonic() + seconds

    async def one(place: int) -> None:
        caller = await Caller.to(port)
        while time.monotonic() < end:
            status, body = await caller.post("/auth/refresh", {"refresh_token": tokens[place]})
            statuses[status] += 1
            if status == 200:
                tokens[place] = body["body"]["refresh_token"]
        caller.close()

    started = time.monotonic()
    await asyncio.gather(*(one(place) for place in range(len(tokens))))
    return statuses[200] / (time.monotonic() - started), statuses
