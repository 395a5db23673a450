"""What five thousand idle WebSockets cost."""

import asyncio
import sys
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake

from benchmarks.ask import wait_for
from benchmarks.bed import Bed
from benchmarks.caller import run
from benchmarks.cores import LOAD
from benchmarks.errors import Missing
from benchmarks.figure import Figure, Verdict, mib, table
from benchmarks.gateway_server import GatewayServer, start_gateway
from benchmarks.held import count_good, in_batches
from benchmarks.targets import unmeasured
from gateway.errors import ConfigError
from tests.support.ports import free_port

_WHAT = "idle WebSockets that still echo"
_SETTLE = 2.0
_ROUTE = {
    "name": "sockets",
    "path": "/sockets/**",
    "access": {"roles": ["admin"]},
    "upstream": "service",
    "websocket": True,
}
_CONNECTIONS = {"upstreams": {"service": {"connections": 20_000}}}
_ALLOWED = {"server": {"limits": {"connections_per_address": 1_000_000}}}


def measure(bed: Bed) -> Figure:
    """Open `plan.websockets` of them through a route with a role check, wait, and send a message on each."""
    port = free_port()
    wait_for(bed.start("sockets", [sys.executable, "-m", "benchmarks.echo_sockets", str(port)], LOAD), port)
    count = bed.plan.websockets
    try:
        gateway = start_gateway(bed, {"routes": [_ROUTE], **_CONNECTIONS}, optional=_ALLOWED, upstream=port)
        before, during, good = run(lambda: _hold(gateway, gateway.tokens().admin, count))
    except (ConfigError, Missing):
        absent = "not measured: this gateway proxies no WebSockets"
        return Figure("websockets", "WebSockets", absent, [unmeasured(_WHAT, f"{count:,}", "not measured")])
    each = (during - before) / count
    rows = [[f"{count:,}", mib(before), mib(during), f"{each / 1024:.1f} KiB"]]
    head = ("idle WebSockets", "memory without", "memory with", "each")
    verdict = Verdict(_WHAT, f"{good:,}", f"{count:,}", good == count)
    return Figure("websockets", "WebSockets", table(head, rows), [verdict], {"each": each, "good": good})


async def _hold(gateway: GatewayServer, token: str, count: int) -> tuple[int, int, int]:
    """Memory before and with the sockets, and how many of them echo at the end."""

    async def one() -> ClientConnection:
        return await connect(
            f"ws://127.0.0.1:{gateway.port}/sockets/echo",
            additional_headers={"Authorization": f"Bearer {token}"},
            ping_interval=None,
            compression=None,
            proxy=None,
            close_timeout=1,
        )

    try:
        first = await one()
    except InvalidHandshake as error:
        raise Missing("no WebSockets") from error
    before = gateway.process.memory()
    held = [first, *await in_batches(count - 1, one)]
    await asyncio.sleep(_SETTLE)
    during = gateway.process.memory()
    good = await count_good(held, _echoes)
    with suppress(OSError):
        for connection in held:
            connection.transport.abort()
    return before, during, good


async def _echoes(connection: ClientConnection) -> bool:
    await connection.send("still there?")
    return await connection.recv() == "still there?"
