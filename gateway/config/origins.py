"""Origins as browsers write them (RFC 6454 section 6.2): scheme://host[:port], compared as text."""

import ipaddress
import re
from typing import Final

from gateway.config.scalars import shown, unfit
from gateway.config.words import read_filled_text

ANYONE: Final = "*"
_HINT: Final = "write scheme://host or scheme://host:port, such as https://app.example"
_ORIGIN: Final = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def read_origin(value: object) -> str:
    """The origin in lower case and without the port that its scheme implies; `*` is everyone."""
    text = read_filled_text(value)
    if text == ANYONE:
        return text
    if text == "null":
        raise unfit("null is not an origin: every sandboxed page has it", _HINT)
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        raise unfit(f"{shown(value)} is not an origin", _hint(text))
    scheme, host, port = found[1], found[2], int(found[3]) if found[3] else None
    if port is not None and not 0 < port < 65536:
        raise unfit(f"{shown(value)} is not an origin", "ports are from 1 to 65535")
    if host.startswith("["):
        host = _bracketed(host, value)
    return f"{scheme}://{host}" if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{port}"


def _bracketed(host: str, value: object) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host[1:-1])}]"
    except ValueError:
        raise unfit(f"{shown(value)} is not an origin", _HINT) from None


def _hint(text: str) -> str:
    if "*" in text:
        return "name each origin; only a single `*` stands for all"
    if "://" in text and "/" in text.partition("://")[2]:
        return "an origin has no path, and no slash at its end"
    return _HINT if text.isascii() else "write an international name as browsers send it: xn--…"
