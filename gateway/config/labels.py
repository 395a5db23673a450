"""What a message says a problem is about."""

from typing import Final

from gateway.config.source import Path, Source
from gateway.config.words import is_name

_NOUNS: Final = {
    "routes": "route",
    "upstreams": "upstream",
    "roles": "role",
    "issuers": "issuer",
    "tests": "test",
}


def dotted(path: Path) -> str:
    """A path as people write it: `upstreams.orders.targets`; list positions count from 1."""
    return ".".join(str(step + 1) if isinstance(step, int) else _key(step) for step in path)


def label(source: Source, path: Path) -> str:
    """`route "orders"`, `upstream "orders": timeouts.connect`, or the dotted key."""
    if len(path) < 2 or path[0] not in _NOUNS:
        return dotted(path)
    name = source.at((*path[:2], "name")) if isinstance(path[1], int) else path[1]
    known = isinstance(name, str) and is_name(name)
    which = f'"{name}"' if known else dotted(path[1:2])
    rest = f": {dotted(path[2:])}" if len(path) > 2 else ""
    return f"{_NOUNS[str(path[0])]} {which}{rest}"


def _key(step: str) -> str:
    return step if len(step) <= 60 and step.isprintable() else "…"
