"""Builds the transport of an upstream as tests want it."""

import ssl
from collections.abc import Sequence

from gateway.proxy.dial import Dial
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.h1_engine import H1Engine
from gateway.proxy.h2_engine import H2Engine
from gateway.proxy.health import HealthChecks
from gateway.proxy.target import Eject, Target
from gateway.proxy.targets import Targets
from gateway.proxy.transport import Engine
from gateway.proxy.turns import Turns


def targets_at(
    endpoints: Sequence[Endpoint],
    *,
    connections: int = 256,
    queue: int = 1024,
    pool_timeout: float = 1.0,
    keepalive: float = 4.0,
    connect_timeout: float = 2.0,
    ssl_context: ssl.SSLContext | None = None,
    server_name: str | None = None,
    round_robin: bool = False,
    retries: int = 0,
    eject: Eject | None = None,
    checks: HealthChecks | None = None,
    h2: bool = False,
) -> Targets:
    """A transport over these endpoints; what is not said is as the configuration has it by default."""

    def engine(endpoint: Endpoint) -> Engine:
        dial = Dial("svc", endpoint, timeout=connect_timeout, ssl_context=ssl_context, server_name=server_name)
        return H2Engine(dial, keepalive=keepalive) if h2 else H1Engine(dial, keepalive=keepalive)

    return Targets(
        "svc",
        [Target("svc", endpoint, engine(endpoint), eject) for endpoint in endpoints],
        Turns("svc", limit=connections, queue=queue, patience=pool_timeout),
        round_robin=round_robin,
        retries=retries,
        checks=checks,
    )
