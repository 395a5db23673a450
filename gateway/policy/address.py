"""Which addresses are one client: IPv6 hosts choose theirs freely within a /64 (RFC 4291 section 2.5.1)."""

import ipaddress


def address_block(address: str) -> str:
    """What an address is counted as: an IPv4 address itself, an IPv6 address by its /64.

    An IPv4 address mapped into IPv6 is the same client; what is no address (a Unix socket) stays as it is.
    """
    if ":" not in address:
        return address
    try:
        ip = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(ip) >> 64 << 64)) + "/64"
