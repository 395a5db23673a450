"""uvicorn's options for the two listeners, from the settings."""

import asyncio
from typing import Any, Final

import uvicorn

from gateway.config.models_server import ServerSettings
from gateway.middleware.forwarded import TrustedProxies
from gateway.server.crowd import Crowd
from gateway.server.limits import InboundLimits, ServerConfig
from gateway.server.protocol import GatewayProtocol

_BACKLOG: Final = 2048


def public_config(app: Any, server: ServerSettings, *, workers: int = 1, factory: bool = False) -> ServerConfig:
    """The public listener. uvicorn's own forwarded-header handling, logs and Server header are off."""
    return ServerConfig(
        app,
        limits=InboundLimits(
            target=server.limits.target,
            header_bytes=server.limits.headers,
            header_count=server.limits.header_count,
            header_deadline=server.timeouts.header,
            body_deadline=server.timeouts.body,
            idle_deadline=server.timeouts.idle,
        ),
        crowd=Crowd(server.limits.connections_per_address, TrustedProxies(server.trusted_proxies)),
        factory=factory,
        interface="asgi3",
        workers=workers,
        http=_protocol(server),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=max(1, round(server.drain)),
    )


def _protocol(server: ServerSettings) -> type[asyncio.Protocol]:
    if not server.http2:
        return GatewayProtocol
    # Imported only here: it needs a package that is there only when it was asked for.
    from gateway.server.choosing import ChoosingProtocol

    return ChoosingProtocol


def management_config(app: Any) -> uvicorn.Config:
    """The management listener: small, slow traffic from operators and probes."""
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
