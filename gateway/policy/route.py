"""A route: what it takes, what it asks, where it leads."""

from dataclasses import dataclass

from gateway.policy.access import Access
from gateway.policy.cors import CorsPolicy
from gateway.policy.patterns import HostPattern, PathPattern
from gateway.policy.rate import RateLimit

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Forwarding:
    """How a request travels on, prepared for the proxy. Bytes and seconds; None is the default."""

    strip_prefix: bytes = b""
    add_prefix: bytes = b""
    forward_credentials: bool = False
    identity: bool = True
    body_limit: int | None = None
    response_timeout: float | None = None
    idle_timeout: float | None = None
    retries: int | None = None
    request_headers_add: Headers = ()
    request_headers_remove: frozenset[bytes] = frozenset()
    response_headers_add: Headers = ()
    response_headers_remove: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One entry of `routes:`. `methods` and `host` None take all; `line` is where the configuration has it.

    `allow_in_path` names the marks (see `target.Target`) that paths of this route may carry. Without `cors` the
    gateway leaves pages of other origins to the upstream.
    """

    name: str
    path: PathPattern
    host: HostPattern | None
    methods: frozenset[str] | None
    access: Access
    upstream: str
    line: int
    allow_in_path: frozenset[str] = frozenset()
    strict_revocation: bool = False
    websocket: bool = False
    forwarding: Forwarding = Forwarding()
    rate_limit: RateLimit | None = None
    cors: CorsPolicy | None = None
