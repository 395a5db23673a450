"""The host a request names: one spelling of it, or a refusal."""

import ipaddress
import re

from gateway.errors import Refusal
from gateway.reasons import Reason

# A registered name without the sub-delims and escapes RFC 3986 3.2.2 would permit: no DNS name has them,
# and CVE-2026-48710 needed a `/` and a `?` to pass here.
_HOST = re.compile(rb"(?:([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\.?|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{1,5}))?")
_LONGEST_NAME = 253


def read_host(value: bytes) -> str:
    """The host of a `Host` header or authority: lower case, without port and one trailing dot.

    IPv6 literals come back compressed and in brackets. Raises `Refusal(HEADER_AMBIGUOUS)` for anything
    but `host`, `host:port`, `[ipv6]` and `[ipv6]:port` (RFC 9112 3.2).
    """
    found = _HOST.fullmatch(value)
    if found is None:
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    name, literal, port = found.groups()
    if port is not None and not 0 < int(port) < 65536:
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    if name is None:
        return _ipv6(literal)
    if len(name) > _LONGEST_NAME:
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    return str(name, "ascii").lower()


def _ipv6(literal: bytes) -> str:
    try:
        return f"[{ipaddress.IPv6Address(literal.decode('ascii'))}]"
    except ValueError:
        raise Refusal(Reason.HEADER_AMBIGUOUS) from None
