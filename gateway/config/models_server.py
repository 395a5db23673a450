"""`server:` where the gateway listens, and what it takes from clients."""

from typing import Annotated

from gateway.config.fields import (
    Address,
    Cidrs,
    Duration,
    Flag,
    HeaderName,
    Section,
    duration,
    setting,
    size,
    whole,
)


class Limits(Section):
    """Bounds on what one client may send."""

    headers: Annotated[int, size(1024, 1024**2)] = setting("32KiB", "All request headers together.")
    header_count: Annotated[int, whole(1, 10_000)] = setting(100, "How many request headers there may be.")
    body: Annotated[int, size()] = setting("10MiB", "The largest request body; a route's `body_limit` replaces it.")
    target: Annotated[int, size(256, 1024**2)] = setting("8KiB", "The longest request target (path and query).")
    websocket_message: Annotated[int, size(1)] = setting("16MiB", "The largest WebSocket message.")
    connections_per_address: Annotated[int, whole(1)] = setting(
        1000, "How many connections a peer address (IPv6: a /64) may hold in each worker; trusted proxies any number."
    )


class ServerTimeouts(Section):
    """How long the gateway waits for a client."""

    header: Duration = setting("10s", "For the request line and all headers.")
    body: Duration = setting("30s", "For the next part of a request body.")
    idle: Duration = setting("75s", "For the next request on a kept connection.")


class ServerSettings(Section):
    """Where the gateway listens, and what it takes from clients."""

    listen: Address = setting("0.0.0.0:8080", "The public listener, host:port.")
    management: Address = setting("127.0.0.1:8081", "Serves /healthz, /readyz and /metrics; never the public listener.")
    workers: Annotated[int, whole(1, 1024)] = setting(1, "How many processes serve requests.")
    trusted_proxies: Cidrs = setting(
        [], "Networks of the proxies in front; only their forwarding headers are believed."
    )
    drain: Annotated[float, duration(0, 3600)] = setting(
        "20s", "How long running requests may take to finish after SIGTERM."
    )
    limits: Limits = setting({}, "Bounds on what one client may send.")
    timeouts: ServerTimeouts = setting({}, "How long the gateway waits for a client.")
    strip_headers: tuple[HeaderName, ...] = setting([], "More header names that clients may never send to upstreams.")
    http2: Flag = setting(
        False, "Whether clients may speak HTTP/2 by prior knowledge; experimental, needs the extra `http2`."
    )
    selftest: Flag = setting(False, "Whether start-up attacks its own routes before it listens.")
