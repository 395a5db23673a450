"""Builds the upstreams from their settings."""

import ssl
from collections.abc import Mapping

from gateway.config.models_upstreams import UpstreamSettings
from gateway.proxy.dial import Dial
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.h1_engine import H1Engine
from gateway.proxy.health import HealthChecks
from gateway.proxy.target import Eject, Target
from gateway.proxy.targets import Targets
from gateway.proxy.tls import H1, H2, upstream_context
from gateway.proxy.transport import Engine
from gateway.proxy.turns import Turns
from gateway.proxy.upstream import Upstream


def make_upstreams(settings: Mapping[str, UpstreamSettings]) -> Mapping[str, Upstream]:
    """All of them by name; nothing is connected yet. OSError when a certificate file has gone since the check."""
    return {name: _upstream(name, each) for name, each in settings.items()}


def _upstream(name: str, settings: UpstreamSettings) -> Upstream:
    endpoints = [Endpoint.parse(str(url)) for url in settings.targets]
    eject = Eject(settings.eject.failures, settings.eject.for_) if settings.eject is not None else None
    context = _ssl_context(settings) if any(endpoint.secure for endpoint in endpoints) else None
    patience = settings.timeouts.connect
    transport = Targets(
        name,
        [Target(name, endpoint, _engine(name, endpoint, settings, context), eject) for endpoint in endpoints],
        Turns(name, limit=settings.connections, queue=settings.queue, patience=patience),
        round_robin=settings.balance == "round-robin",
        retries=settings.retries,
        own_hosts=not settings.preserve_host,
        checks=HealthChecks(settings.health.path, settings.health.interval) if settings.health is not None else None,
    )
    return Upstream(
        name,
        endpoints[0],
        transport,
        response_timeout=settings.timeouts.response,
        idle_timeout=settings.timeouts.idle,
        preserve_host=settings.preserve_host,
    )


def _engine(name: str, endpoint: Endpoint, settings: UpstreamSettings, context: ssl.SSLContext | None) -> Engine:
    server_name = settings.tls.server_name if settings.tls is not None else None
    dial = Dial(name, endpoint, timeout=settings.timeouts.connect, ssl_context=context, server_name=server_name)
    if settings.protocol == "http1":
        return H1Engine(dial)
    # The library it stands on is an extra: nobody else shall need it.
    from gateway.proxy.h2_engine import H2Engine

    return H2Engine(dial)


def _ssl_context(settings: UpstreamSettings) -> ssl.SSLContext:
    protocol = H1 if settings.protocol == "http1" else H2
    tls = settings.tls
    if tls is None:
        return upstream_context(protocol=protocol)
    return upstream_context(protocol=protocol, ca=tls.ca, cert=tls.cert, key=tls.key)
