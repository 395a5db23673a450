"""Network words: listening addresses, CIDR blocks, the URL of an upstream target."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from gateway.config.scalars import from_environment, shown, unfit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_-]+)*\.?")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_TARGET: Final = re.compile(r"(?i:(https?))://(\[[0-9A-Fa-f:.]+\]|[^/:?#@\[\]]+)(?::([0-9]{1,5}))?(/[^?#]*)?")
_SOCKET: Final = re.compile(r"unix:(/[!-~]+)")
# What fits into sockaddr_un on Linux (108 bytes) and macOS (104), with the zero at the end.
_LONGEST_SOCKET: Final = 103
_PLAIN_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,=:@-]+)*")
_METADATA: Final = frozenset({"metadata.google.internal", "instance-data", "instance-data.ec2.internal"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. IPv6 hosts are kept without brackets; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TargetUrl:
    """An upstream target: `scheme` http or https, `host` in lower case without brackets, `path` without
    a slash at its end (empty for the root). Of a Unix socket there is the scheme `unix` and its `path`."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def authority(self) -> str:
        """What goes into the `Host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.scheme == "https" else 80
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def base(self) -> str:
        """The path put before that of every request."""
        return "" if self.scheme == "unix" else self.path

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.scheme == "unix" else f"{self.scheme}://{self.authority}{self.path}"


def read_address(value: object) -> Address:
    """`host:port`; IPv6 in brackets."""
    hint = "write host:port, such as 0.0.0.0:8080 or [::]:8080"
    if not isinstance(value, str):
        raise unfit(f"{shown(value)} is not an address", hint)
    host, colon, port = value.rpartition(":")
    if not colon or not _PORT.fullmatch(port) or int(port) > 65535 or not _listenable(host):
        raise unfit(f"{shown(value)} is not an address", hint)
    return Address(host.strip("[]"), int(port))


def read_network(value: object) -> Network:
    """A CIDR block, or one address; bits beyond the prefix are refused, since they hide a mistake."""
    hint = "write a CIDR block or an address, such as 10.0.0.0/8 or 127.0.0.1"
    if not isinstance(value, str):
        raise unfit(f"{shown(value)} is not a network", hint)
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise unfit(f"{shown(value)} is not a network", hint) from None
    better = "" if from_environment(value) else f"it lies in {meant}"
    raise unfit(f"{shown(value)} has bits beyond its prefix", better)


def read_target_url(value: object) -> TargetUrl:
    """`http://host[:port][/base]` or `unix:/path`; no user name, query, fragment, no link-local (metadata) host.

    A refused URL is not repeated in the message when it might hold a password.
    """
    hint = "write http://host:port, https://host:port or unix:/path/to.sock"
    if not isinstance(value, str):
        raise unfit(f"{shown(value)} is not the URL of a target", hint)
    socket = _SOCKET.fullmatch(value)
    if socket is not None and len(socket[1]) <= _LONGEST_SOCKET:
        return TargetUrl("unix", "", 0, socket[1])
    if "@" in value:
        raise unfit("the URL of a target must not contain a user name or password", hint)
    found = _TARGET.fullmatch(value)
    if found is None or "?" in value or "#" in value:
        raise unfit(f"{shown(value)} is not the URL of a target", hint)
    scheme, path = found[1].lower(), (found[4] or "").removesuffix("/")
    host, port = found[2].strip("[]").lower(), int(found[3] or (443 if scheme == "https" else 80))
    if not _reachable(host) or not 0 < port <= 65535 or not is_plain_path(path):
        raise unfit(f"{shown(value)} is not the URL of a target", hint)
    if _link_local(host):
        raise unfit(
            f"{shown(value)} is a link-local address, where clouds keep their metadata service",
            "name the service's own address",
        )
    return TargetUrl(scheme, host, port, path)


def _listenable(host: str) -> bool:
    if host.startswith("[") and host.endswith("]"):
        return _ip(host[1:-1]) is not None
    return bool(_HOST.fullmatch(host)) and _reachable(host)


def _reachable(host: str) -> bool:
    """A name or a plain IP literal; not the other spellings of IPv4 (`0x7f.1`, `2130706433`)."""
    if _ip(host) is not None:
        return True
    last = host.rstrip(".").rpartition(".")[2]
    return bool(_HOST.fullmatch(host)) and not re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", last)


def is_plain_path(path: str) -> bool:
    """Whether every parser reads these segments as they stand: no escapes, dots, or slash at the end."""
    return bool(_PLAIN_PATH.fullmatch(path)) and not {".", ".."} & set(path.split("/"))


def _link_local(host: str) -> bool:
    ip = _ip(host.rstrip("."))
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    if ip is None:
        return host.rstrip(".") in _METADATA
    return ip.is_link_local or ip == ipaddress.IPv6Address("fd00:ec2::254")


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
