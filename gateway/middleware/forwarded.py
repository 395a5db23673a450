"""Who is behind trusted proxies: forwarded headers are believed from listed peers only, read right to left."""

import ipaddress
import re
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Headers = Sequence[tuple[bytes, bytes]]

# The `for=` parameter of RFC 7239 section 4, quoted or not.
_FOR = re.compile(rb'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s"]*))', re.IGNORECASE)


# RFC 7239 section 6: IPv6 in brackets, a port after a colon; IPv6 alone as proxies write it. No zone: any text is one.
_HOP = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?|([0-9a-fA-F:.]+)")


class TrustedProxies:
    """The CIDRs of `server.trusted_proxies`; empty by default, so that nobody is believed."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self.networks = tuple(networks)

    def trusts(self, address: str) -> bool:
        """Whether `address` is listed; anything that is no address is not."""
        if not self.networks:
            return False
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        return any(ip in network for network in self.networks)

    def client_of(self, peer: str, hops: Sequence[str]) -> str:
        """The first untrusted hop from the right. A hop that is no address ends the walk at the hop before it."""
        client = peer
        for hop in reversed(hops):
            if not self.trusts(client):
                break
            address = _address(hop)
            if address is None:
                break
            client = address
        return client


def hops_of(headers: Headers) -> list[str]:
    """The hops that `X-Forwarded-For` lists, else `Forwarded`, in the order written. `X-Real-IP` is never read."""
    listed = [value for name, value in headers if name == b"x-forwarded-for"]
    if listed:
        return [hop.strip() for hop in b",".join(listed).decode("latin-1").split(",")]
    forwarded = b",".join(value for name, value in headers if name == b"forwarded")
    if not forwarded:
        return []
    return [_forwarded_for(element) for element in forwarded.split(b",")]


def scheme_of(headers: Headers, default: str) -> str:
    """The scheme a trusted peer says the client used (`X-Forwarded-Proto`, last value); `default` if unusable."""
    for name, value in reversed(headers):
        if name == b"x-forwarded-proto":
            scheme = value.rsplit(b",", 1)[-1].strip().lower()
            return scheme.decode() if scheme in (b"http", b"https") else default
    return default


def _forwarded_for(element: bytes) -> str:
    found = _FOR.search(element)
    if found is None:
        return ""
    return (found[1] or found[2] or b"").decode("latin-1")


def _address(hop: str) -> str | None:
    """The address in `hop`, without brackets and port; None for `unknown`, obfuscated names and rubbish."""
    found = _HOP.fullmatch(hop)
    if found is None:
        return None
    try:
        return str(ipaddress.ip_address(found[1] or found[2] or found[3]))
    except ValueError:
        return None
