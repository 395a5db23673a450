"""Where an upstream is: its base URL, taken apart once."""

from dataclasses import dataclass
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`authority` is the Host header's value; `base` the path put before every target, no last slash."""

    scheme: str
    host: str
    port: int
    authority: bytes
    base: bytes

    @classmethod
    def parse(cls, url: str) -> "Endpoint":
        """Read `http[s]://host[:port][/base]`; ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an upstream is http[s]://host[:port][/base]")
        if parts.username is not None:
            raise ValueError("an upstream URL carries no credentials")
        default = _DEFAULT_PORTS[parts.scheme]
        port = default if parts.port is None else parts.port
        name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        authority = name if port == default else f"{name}:{port}"
        base = parts.path.rstrip("/")
        return cls(parts.scheme, parts.hostname, port, authority.encode("ascii"), base.encode("ascii"))
