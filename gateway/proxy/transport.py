"""The seam between forwarding and the engine that holds upstream connections: one transport per target."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class UpstreamRequest:
    """One exchange to come. `target` and `headers` go out as they are, in this order.

    `headers` carry `host` and no connection fields. `body` None sends none, bytes are all of it; it is sent with
    the `content-length` that `headers` have, or chunked. What `body` raises ends the exchange and is raised by
    `send`. Seconds: `response_timeout` from the last request byte to the complete response head,
    `idle_timeout` between pieces of the response, and for the upstream to take a piece of the body.
    """

    method: str
    target: bytes
    headers: Headers
    body: AsyncIterator[bytes] | bytes | None
    response_timeout: float
    idle_timeout: float


class UpstreamResponse(Protocol):
    """A response whose head has arrived. `headers` are as received, in order, duplicates apart.

    It may be early: what is left of the request body is then sent beside it, until `close`.
    """

    status: int
    headers: Headers

    def chunks(self) -> AsyncIterator[bytes]:
        """The body without transfer coding, else untouched. UpstreamFailed when it is cut short or stalls."""
        ...

    def whole_body(self) -> bytes | None:
        """The body, when all of it has arrived and nothing of it was taken; else None."""
        ...

    async def close(self) -> None:
        """End the exchange. The connection is kept only if both sides of it ended cleanly."""
        ...


class Transport(Protocol):
    """Connections to one target, reused and bounded."""

    async def open(self) -> None:
        """Make ready; no connection is made yet."""
        ...

    async def close(self) -> None:
        """Close every connection, also those in use."""
        ...

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send `request` and wait for the head of the answer.

        UpstreamFailed: UPSTREAM_UNREACHABLE no connection, UPSTREAM_INVALID a connection but no valid answer,
        UPSTREAM_TIMEOUT none in time, UPSTREAM_UNAVAILABLE no free connection in time. Cancelling closes the
        connection at once.
        """
        ...
