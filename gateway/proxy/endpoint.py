"""Where an upstream is: its base URL, taken apart once."""

from dataclasses import dataclass
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`authority` is the Host header's value; `base` the path put before every target, no last slash.

    `socket` is the path of a Unix socket, empty for TCP; what listens there is asked as `localhost`.
    """

    scheme: str
    host: str
    port: int
    authority: bytes
    base: bytes
    socket: str = ""

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    def __str__(self) -> str:
        if self.socket:
            return f"{_UNIX}{self.socket}"
        return f"{self.scheme}://{self.authority.decode('ascii')}{self.base.decode('ascii')}"

    @classmethod
    def parse(cls, url: str) -> "Endpoint":
        """Read `http[s]://host[:port][/base]` or `unix:/path/to.sock`; ValueError for anything else."""
        if url.startswith(_UNIX):
            return cls._unix(url.removeprefix(_UNIX))
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an upstream is http[s]://host[:port][/base] or unix:/path")
        if parts.username is not None:
            raise ValueError("an upstream URL carries no credentials")
        default = _DEFAULT_PORTS[parts.scheme]
        port = default if parts.port is None else parts.port
        name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        authority = name if port == default else f"{name}:{port}"
        base = parts.path.rstrip("/")
        return cls(parts.scheme, parts.hostname, port, authority.encode("ascii"), base.encode("ascii"))

    @classmethod
    def _unix(cls, path: str) -> "Endpoint":
        if not path.startswith("/"):
            raise ValueError("the path of a Unix socket begins with a slash")
        return cls("http", "localhost", 0, b"localhost", b"", path)
