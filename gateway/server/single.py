"""One worker: both listeners in this process, on one event loop."""

import asyncio
import socket
from collections.abc import Callable

from gateway.admin.management import ManagementApp
from gateway.admin.report import LocalFleet
from gateway.app import Gateway
from gateway.config.settings import Settings
from gateway.server.drain import DrainingServer, QuietServer
from gateway.server.listen import phase_of
from gateway.server.options import management_config, public_config


def run_single(
    settings: Settings,
    gateway: Gateway,
    public: socket.socket,
    management: socket.socket,
    on_ready: Callable[[], object],
) -> int:
    """Serve until a signal; the exit code. `on_ready` is called once connections are accepted."""
    config = public_config(gateway, settings.server)
    server = DrainingServer(config, on_ready)
    fleet = LocalFleet(gateway.report, lambda: phase_of(public, server.draining))
    beside = QuietServer(management_config(ManagementApp(fleet)))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(server, public, beside, management))
    return 0


async def _serve(server: DrainingServer, public: socket.socket, beside: QuietServer, management: socket.socket) -> None:
    probing = asyncio.ensure_future(beside.serve(sockets=[management]))
    try:
        await server.serve(sockets=[public])
    finally:
        beside.should_exit = True
        await probing
