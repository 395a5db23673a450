"""What password hashing does to everybody else's requests."""

import asyncio
from collections import Counter
from dataclasses import asdict

from benchmarks.bed import Bed
from benchmarks.caller import Caller, run
from benchmarks.credentials import ADMIN, PATH
from benchmarks.figure import Figure, table
from benchmarks.gateway_server import GatewayServer, start_gateway
from benchmarks.load import Load, Sample, run_load
from benchmarks.rounds import Course, ratio
from benchmarks.targets import P99_DURING_LOGINS, at_most


def measure(bed: Bed) -> Figure:
    """The same load of proxied requests, without and with `plan.logins` logins in flight, in turns."""
    gateway = start_gateway(bed)
    token = gateway.tokens().admin
    url = f"http://127.0.0.1:{gateway.port}{PATH}"
    calm, busy, statuses = [], [], Counter[int]()
    rounds = min(3, bed.plan.rounds)
    load = Load(url, token, bed.plan.connections, max(1, bed.plan.login_seconds // rounds))
    for _ in range(rounds):
        calm.append(run_load(load, bed.cores, gateway.process))
        sample, seen = run(lambda: _with_logins(bed, gateway, load))
        busy.append(sample)
        statuses += seen
    times = ratio([sample.p99 for sample in busy], [sample.p99 for sample in calm])
    seconds = load.seconds * rounds
    rows = [_row("none", Course(calm)), _row(f"{bed.plan.logins}", Course(busy))]
    text = table(("logins in flight", "requests/s", "p50", "p99"), rows)
    granted, refused = statuses[200] / seconds, (statuses.total() - statuses[200]) / seconds
    text += f"\n\n{granted:,.0f} logins/s were granted and {refused:,.0f}/s refused as too many at once."
    verdict = at_most(f"p99 with {bed.plan.logins} logins in flight, times without", times.median, P99_DURING_LOGINS)
    data = {"calm": [asdict(one) for one in calm], "busy": [asdict(one) for one in busy], "statuses": dict(statuses)}
    return Figure("logins", "Logins beside requests", text, [verdict], data)


def _row(name: str, course: Course) -> list[str]:
    return [name, course.rate.text(), f"{course.p50.median / 1000:.2f} ms", f"{course.p99.median / 1000:.2f} ms"]


async def _with_logins(bed: Bed, gateway: GatewayServer, load: Load) -> tuple[Sample, Counter[int]]:
    statuses: Counter[int] = Counter()

    async def log_in() -> None:
        caller = await Caller.to(gateway.port)
        while True:
            status, _ = await caller.post("/auth/login", ADMIN)
            statuses[status] += 1
            if status != 200:
                await asyncio.sleep(0.05)

    crowd = [asyncio.create_task(log_in()) for _ in range(bed.plan.logins)]
    sample = await asyncio.to_thread(run_load, load, bed.cores, gateway.process)
    for one in crowd:
        one.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    return sample, statuses
