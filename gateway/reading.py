"""What a list of request headers says, worked out once and kept for as long as a client repeats it."""

from typing import Any

Headers = list[tuple[bytes, bytes]]


class HeaderReading:
    """The facts of one list of header fields, sent over one connection; read-only once made, but for `derived`.

    Most clients send the same fields again and again on a kept connection. The server keeps the last reading of
    a connection (`gateway.asgi.Memory`), and a request whose list is equal gets it again: equality of every
    name and value is what makes that safe. `derived` holds what other layers have worked out from it.

    `body_length` is 0 for no body, None for a body in chunks; `traceparent` and `request_id` are empty when
    the client sent none that counts.
    """

    __slots__ = (
        "body_length",
        "client_address",
        "derived",
        "forwarded_for",
        "headers",
        "host",
        "request_id",
        "scheme",
        "traceparent",
        "trusted_peer",
        "version",
    )

    def __init__(self, headers: Headers, version: str, *, peer: str, scheme: str) -> None:
        self.headers = headers
        self.version = version
        self.client_address = peer
        self.scheme = scheme
        self.host: str | None = None
        self.body_length: int | None = 0
        self.traceparent = ""
        self.request_id = ""
        self.trusted_peer = False
        self.forwarded_for: tuple[bytes, ...] = ()
        self.derived: dict[Any, Any] = {}


class Memory:
    """What a connection remembers from one request to the next."""

    __slots__ = ("reading",)

    def __init__(self) -> None:
        self.reading: HeaderReading | None = None
