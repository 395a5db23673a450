"""Header fields that do not change from one request to the next, worked out and written once."""

from gateway.policy.route import Route
from gateway.principal import Principal

Headers = list[tuple[bytes, bytes]]


class HeaderBlock:
    """Fields in order, and their bytes as they stand in an HTTP/1.1 head. `host` is the one the client named."""

    __slots__ = ("fields", "has_length", "host", "wire")

    def __init__(self, fields: Headers, host: bytes) -> None:
        self.fields = fields
        self.host = host
        self.wire = b"".join([b"%b: %b\r\n" % field for field in fields])
        self.has_length = any(name == b"content-length" for name, _ in fields)


class LastBlock:
    """The block made for the last request with the same headers: good for the same route and the same caller."""

    __slots__ = ("block", "principal", "route")

    def __init__(self, route: Route, principal: Principal | None, block: HeaderBlock) -> None:
        self.route = route
        self.principal = principal
        self.block = block
