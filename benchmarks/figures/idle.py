"""What ten thousand idle keep-alive connections cost."""

import asyncio

from benchmarks.bed import Bed
from benchmarks.caller import Caller, run
from benchmarks.credentials import PATH
from benchmarks.figure import Figure, Verdict, mib, table
from benchmarks.gateway_server import GatewayServer, start_gateway
from benchmarks.held import count_good, in_batches

_SETTLE = 2.0
_WANTED = {
    "server": {"timeouts": {"idle": "300s"}},
}
_ALLOWED = {"server": {"limits": {"connections_per_address": 1_000_000}}}


def measure(bed: Bed) -> Figure:
    """Open `plan.idle` connections, ask once on each, wait, and ask again on each."""
    gateway = start_gateway(bed, _WANTED, optional=_ALLOWED)
    token = gateway.tokens().admin
    before, during, good = run(lambda: _hold(gateway, token, bed.plan.idle))
    each = (during - before) / bed.plan.idle
    rows = [[f"{bed.plan.idle:,}", mib(before), mib(during), f"{each / 1024:.1f} KiB"]]
    head = ("idle connections", "memory without", "memory with", "each")
    verdict = Verdict(
        "idle keep-alive connections that still answer", f"{good:,}", f"{bed.plan.idle:,}", good == bed.plan.idle
    )
    return Figure("idle", "Idle connections", table(head, rows), [verdict], {"each": each, "good": good})


async def _hold(gateway: GatewayServer, token: str, count: int) -> tuple[int, int, int]:
    """Memory before and with the connections, and how many of them still answer at the end."""
    before = gateway.process.memory()

    async def one() -> Caller:
        caller = await Caller.to(gateway.port)
        await caller.get(PATH, token)
        return caller

    async def answers(caller: Caller) -> bool:
        return await caller.get(PATH, token) == 200

    held = await in_batches(count, one)
    await asyncio.sleep(_SETTLE)
    during = gateway.process.memory()
    good = await count_good(held, answers)
    for caller in held:
        caller.close()
    return before, during, good
