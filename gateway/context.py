"""The facts of one request, gathered by the layers as it passes; kept in `scope["gateway"]`.

The header list is copied once at entry: whatever a server adds to its own list later (request trailers, as
uvicorn's httptools protocol does) never reaches policy or proxy.
"""

from typing import Final, NamedTuple

from gateway.policy.decide import Decision
from gateway.policy.table import Match
from gateway.policy.target import Target
from gateway.principal import Principal
from gateway.reading import HeaderReading
from gateway.reasons import Reason

SCOPE_KEY: Final = "gateway"
BEARER_PROTOCOL: Final = b"gateway.bearer"
"""The sub-protocol whose successor in the list is the access token."""


class Offer(NamedTuple):
    """The sub-protocols a WebSocket handshake offers: the access token among them, if any, and the others.

    `token` is empty when `gateway.bearer` was offered without one, None when it was not offered.
    """

    token: bytes | None
    others: tuple[str, ...]


class GatewayContext:
    """Mutable on purpose and slotted: one is made for every request on the hot path.

    `started` is monotonic seconds; `headers` have lower-case names; `upstream_seconds` is the time to the
    upstream's first response byte. `why` says more of a refusal, for the log alone. `body_length` is what the
    request announces: 0 for no body, None for a body in chunks. `peer` holds the socket, `client_address` is who is
    behind trusted proxies. Only a WebSocket handshake has an `offer`.
    """

    __slots__ = (
        "body_length",
        "bytes_in",
        "bytes_out",
        "client_address",
        "decision",
        "forwarded_for",
        "headers",
        "host",
        "match",
        "method",
        "offer",
        "peer",
        "principal",
        "reading",
        "reason",
        "request_id",
        "route_name",
        "scheme",
        "started",
        "status",
        "target",
        "traceparent",
        "trusted_peer",
        "upstream",
        "upstream_seconds",
        "why",
    )

    def __init__(
        self,
        *,
        request_id: str,
        started: float,
        method: str,
        scheme: str,
        peer: str,
        headers: list[tuple[bytes, bytes]],
    ) -> None:
        self.request_id = request_id
        self.started = started
        self.method = method
        self.scheme = scheme
        self.peer = peer
        self.client_address = peer
        self.trusted_peer = False
        self.forwarded_for: tuple[bytes, ...] = ()
        self.headers = headers
        self.traceparent = ""
        self.target: Target | None = None
        self.reading: HeaderReading | None = None
        self.body_length: int | None = 0
        self.offer: Offer | None = None
        self.host = ""
        self.match: Match | None = None
        self.route_name = "-"
        self.decision: Decision | None = None
        self.principal: Principal | None = None
        self.status = 0
        self.reason: Reason | None = None
        self.why: str | None = None
        self.upstream: str | None = None
        self.upstream_seconds: float | None = None
        self.bytes_in = 0
        self.bytes_out = 0
