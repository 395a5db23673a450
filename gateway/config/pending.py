"""Keys of the contract that are not in force yet: refused with a problem, never silently ignored.

The one table of them. A value is accepted where it asks for what is in force anyway.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from gateway.config.labels import label
from gateway.config.scalars import BROKEN, Plain
from gateway.config.source import Path, Source

Test = Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class Pending:
    """`path` is dotted, `*` stands for any name or index; `what` is said to be missing."""

    path: str
    accepts: Test
    what: str = ""
    hint: str = "leave the key out"


def _only(*words: str) -> Test:
    def accepts(value: object) -> bool:
        text = value.written if isinstance(value, Plain) else value
        return isinstance(text, str) and text in words

    return accepts


def _no_scheme(*schemes: str) -> Test:
    return lambda value: not (isinstance(value, str) and value.lower().startswith(schemes))


def _never(_: object) -> bool:
    return False


def _nothing(value: object) -> bool:
    return value is None or value in ([], {})


NOT_YET: Final = (
    Pending("server.selftest", _only("false")),
    Pending("tokens.algorithm", _only("HS256"), "any algorithm but HS256", "write HS256, or leave the key out"),
    Pending("tokens.keys", _nothing),
    Pending("tokens.assertion_key_file", _nothing),
    Pending(
        "sessions.store",
        _no_scheme("redis+sentinel:"),
        "a store behind Redis Sentinel",
        "name the primary itself: redis://host:6379/0",
    ),
    Pending(
        "sessions.store",
        _no_scheme("redis+cluster:"),
        "a store on Redis Cluster",
        "name a single Redis: redis://host:6379/0",
    ),
    Pending("sessions.cookies.enabled", _only("false"), "cookie mode", "write false, or leave the key out"),
    Pending("accounts.throttle", _nothing),
    Pending("issuers", _nothing),
    Pending("routes.*.enforce", _only("true"), "shadow enforcement", "write true, or leave the key out"),
    Pending(
        "routes.*.identity",
        lambda value: value != "assertion",
        "an identity assertion",
        "write headers, or leave the key out",
    ),
    Pending("tests", _nothing),
)
CLAUSES_NOT_YET: Final = frozenset({"issuer"})
"""Keys of `access`, wherever they are nested."""


def refuse_pending(source: Source) -> None:
    """Report every key of the table, and mark its value so that nothing more is said about it."""
    for entry in NOT_YET:
        steps = entry.path.split(".")
        for path in _paths(source.data, steps, ()):
            value = source.at(path)
            if value is not BROKEN and not entry.accepts(value):
                about = f"{label(source, path)}: {entry.what} is" if entry.what else f"{label(source, path)} is"
                source.error(source.key_mark(path), f"{about} not available yet", entry.hint)
                _replace(source, path)


def not_in_force(path: Path) -> bool:
    """Whether a key, or one around it, is in the table as a whole (and not just for some of its values)."""
    return any(not entry.what and _covers(entry.path.split("."), path) for entry in NOT_YET)


def partly_in_force(path: Path) -> str:
    """What of a key is not available yet; empty when all of it is there."""
    found = [
        e.what for e in NOT_YET if e.what and len(path) == e.path.count(".") + 1 and _covers(e.path.split("."), path)
    ]
    return ", ".join(found)


def _covers(steps: list[str], path: Path) -> bool:
    return len(steps) <= len(path) and all(s in ("*", str(p)) for s, p in zip(steps, path, strict=False))


def _paths(data: object, steps: list[str], path: Path) -> Iterator[Path]:
    if not steps:
        yield path
        return
    first, rest = steps[0], steps[1:]
    if isinstance(data, dict):
        for key in data if first == "*" else [first] if first in data else []:
            yield from _paths(data[key], rest, (*path, key))
    elif isinstance(data, list) and first == "*":
        for index, item in enumerate(data):
            yield from _paths(item, rest, (*path, index))


def _replace(source: Source, path: Path) -> None:
    around = source.at(path[:-1])
    if isinstance(around, dict | list):
        around[path[-1]] = BROKEN  # type: ignore[index]
