"""The seam between forwarding and what holds upstream connections, and below it, between that and its engines.

A `Transport` serves one upstream. An `Engine` is the same for one of its targets.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.proxy.block import HeaderBlock, Headers
from gateway.proxy.status import UpstreamStatus

__all__ = ["Engine", "EngineResponse", "Headers", "Transport", "UpstreamRequest", "UpstreamResponse"]

# RFC 9110 section 9.2.2.
_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


@dataclass(slots=True)
class UpstreamRequest:
    """One exchange to come. `target` and header fields go out as they are, in this order.

    `headers` begin with `host`; the fields of `block` stand behind it. None of them is a connection field.
    `body` None sends none, bytes are all of it; it is sent with the `content-length` that the fields have, or
    chunked. What `body` raises ends the exchange and is raised by `send`. Seconds: `response_timeout` from the
    last request byte to the complete response head, `idle_timeout` between pieces of the response, and for the
    upstream to take a piece of the body.

    `retries` replaces those of the upstream. `spent` is set by an engine that failed: whether the request must not
    be sent again.
    """

    method: str
    target: bytes
    headers: Headers
    body: AsyncIterator[bytes] | bytes | None
    response_timeout: float
    idle_timeout: float
    block: HeaderBlock | None = None
    retries: int | None = None
    spent: bool = False

    @property
    def fields(self) -> Headers:
        """All header fields."""
        if self.block is None:
            return self.headers
        return [self.headers[0], *self.block.fields, *self.headers[1:]]

    @property
    def has_length(self) -> bool:
        """Whether `content-length` is among the fields."""
        if self.block is not None and self.block.has_length:
            return True
        return any(name == b"content-length" for name, _ in self.headers)

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when it is not known whether it arrived."""
        return self.method in _REPEATABLE and not self.body


class UpstreamResponse(Protocol):
    """A response whose head has arrived. `headers` are as received, in order, duplicates apart.

    It may be early: what is left of the request body is then sent beside it, until `close`. `timeout` is the
    request's `idle_timeout` and may be changed.
    """

    status: int
    headers: Headers
    timeout: float

    def chunks(self) -> AsyncIterator[bytes]:
        """The body without transfer coding, else untouched. UpstreamFailed when it is cut short or stalls."""
        ...

    def whole_body(self) -> bytes | None:
        """The body, when all of it has arrived and nothing of it was taken; else None."""
        ...

    async def close(self) -> None:
        """End the exchange. The connection is kept only if both sides of it ended cleanly."""
        ...


class EngineResponse(UpstreamResponse, Protocol):
    """`on_close` is called once, when the exchange has ended."""

    on_close: Callable[[], None] | None


class Switch(EngineResponse, Protocol):
    """The answer to a request for another protocol, on a connection of its own. `switched` when it is 101."""

    switched: bool

    def leave_to(self, successor: asyncio.Protocol) -> bytes:
        """Give the connection to a successor; returns what has come after the 101.

        `close` is still to be called, when the connection has ended.
        """
        ...


class Transport(Protocol):
    """The way to one upstream."""

    async def open(self) -> None:
        """Make ready; no request is sent yet."""
        ...

    async def close(self) -> None:
        """Close every connection, also those in use."""
        ...

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send `request` and wait for the head of the answer.

        UpstreamFailed: UPSTREAM_UNREACHABLE no connection, UPSTREAM_INVALID a connection but no valid answer,
        UPSTREAM_TIMEOUT none in time, UPSTREAM_UNAVAILABLE no target, or no free connection in time. Cancelling
        ends the exchange at once.
        """
        ...

    async def switch(self, request: UpstreamRequest) -> Switch:
        """As `send`, for a request that asks for another protocol; it waits for no free connection."""
        ...

    def status(self) -> UpstreamStatus:
        """How things stand now."""
        ...


class Engine(Protocol):
    """Connections to one target, reused. `make_room` is called before one is made."""

    make_room: Callable[[], None] | None

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def send(self, request: UpstreamRequest) -> EngineResponse:
        """As `Transport.send`. A failure says with `request.spent` whether another may try."""
        ...

    async def switch(self, request: UpstreamRequest) -> Switch:
        """As `Transport.switch`. Refusal(NOT_IMPLEMENTED) where the protocol spoken has no such thing."""
        ...

    @property
    def size(self) -> int:
        """How many connections there are, used or idle."""
        ...

    @property
    def idle(self) -> int:
        """How many of them nobody uses."""
        ...

    def drop_idle(self) -> bool:
        """Close the one idle for longest; False when none is."""
        ...
