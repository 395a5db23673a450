"""What the inbound protocol enforces before any application code runs."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from uvicorn.server import ServerState

from gateway.server.crowd import Crowd
from gateway.writes import Writes

_SWEEP_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class InboundLimits:
    """Sizes in bytes, deadlines in seconds.

    `header_deadline` counts from the first byte of a request (or from the connection, while it is silent),
    `body_deadline` from the last body byte while the gateway waits for more.
    """

    target: int
    header_bytes: int
    header_count: int
    header_deadline: float
    body_deadline: float
    idle_deadline: float


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration, carrying our limits to the protocol instances it creates."""

    def __init__(self, app: Any, *, limits: InboundLimits, crowd: Crowd | None = None, **options: Any) -> None:
        super().__init__(app, **options)
        self.limits = limits
        self.crowd = crowd or Crowd()
        self.writes = Writes()
        self.sweeping = False

    def watch(self, state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        """Sweep all connections of this worker for their deadlines, from its first connection on."""
        if not self.sweeping:
            self.sweeping = True
            self._sweep(state, loop)

    def _sweep(self, state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(state.connections):
            connection.sweep(now)  # type: ignore[union-attr]
        loop.call_later(_SWEEP_SECONDS, self._sweep, state, loop)
