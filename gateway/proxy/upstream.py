"""An upstream as routes name it, and the target bytes it is sent."""

from urllib.parse import unquote_to_bytes

from gateway.policy.route import Forwarding
from gateway.policy.target import Target
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.status import UpstreamStatus
from gateway.proxy.transport import Transport


class Upstream:
    """A named service; `endpoint` is its first target, whose base all have. Timeouts in seconds; a route's own win."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        transport: Transport,
        *,
        response_timeout: float = 30.0,
        idle_timeout: float = 60.0,
        preserve_host: bool = False,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.transport = transport
        self.response_timeout = response_timeout
        self.idle_timeout = idle_timeout
        self.preserve_host = preserve_host

    async def open(self) -> None:
        await self.transport.open()

    async def close(self) -> None:
        await self.transport.close()

    def status(self) -> UpstreamStatus:
        """How it is doing."""
        return self.transport.status()

    def target(self, target: Target, forwarding: Forwarding) -> bytes:
        """The request target to send: the bytes received, but for the prefixes configured.

        The query is never touched (`/q` and `/q?` stay different). A target that did not begin with `//`
        does not begin so afterwards.
        """
        path = target.path
        if forwarding.strip_prefix:
            path = strip_prefix(path, forwarding.strip_prefix)
        if forwarding.add_prefix:
            path = _join(forwarding.add_prefix, path)
        path = self.endpoint.base + path
        if path.startswith(b"//") and not target.path.startswith(b"//"):
            path = b"/" + path.lstrip(b"/")
        return path if target.query is None else b"%b?%b" % (path, target.query)


def strip_prefix(path: bytes, prefix: bytes) -> bytes:
    """`path` without `prefix`, if it has it on a segment boundary; at least `/` is left.

    Compared as policy compares, decoded segment by segment, and cut out of the raw bytes: `/%61pi/x` loses
    `/api` too, so that no spelling of a path reaches another place upstream than its plain form.
    """
    prefix = prefix.rstrip(b"/")
    if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (b"", b"/"):
        return path[len(prefix) :] or b"/"
    wanted = prefix.split(b"/")
    parts = path.split(b"/")
    if [unquote_to_bytes(part) for part in parts[: len(wanted)]] != wanted:
        return path
    return b"/" + b"/".join(parts[len(wanted) :])


def _join(prefix: bytes, path: bytes) -> bytes:
    return b"/" + prefix.strip(b"/") + path if prefix.strip(b"/") else path
