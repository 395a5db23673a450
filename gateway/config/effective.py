"""The values in force, each with its origin; secrets masked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.config.labels import dotted
from gateway.config.pending import not_in_force
from gateway.config.settings import Loaded
from gateway.config.source import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """`value` as the file would write it; `origin` as `Source.origin` says it."""

    key: str
    value: Any
    origin: str


def effective(loaded: Loaded) -> list[Entry]:
    """Every key in force, in the order of the contract; what is not available yet is left out."""
    return [
        Entry(dotted(path), value, loaded.source.origin(path))
        for path, value in _leaves(effective_tree(loaded), ())
        if not (value is None and path not in loaded.source.values)
    ]


def effective_tree(loaded: Loaded) -> dict[str, Any]:
    """The same as nested data, with the roles that are there without being listed."""
    tree: dict[str, Any] = _in_force(loaded.document.model_dump(mode="json", by_alias=True), ())
    tree["roles"] = {name: {"includes": list(inc)} for name, inc in loaded.settings.roles.includes.items()}
    return tree


def _in_force(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if not not_in_force((*path, key))}
        return {key: _in_force(item, (*path, key)) for key, item in kept.items()}
    if isinstance(value, list):
        return [_in_force(item, (*path, index)) for index, item in enumerate(value)]
    return value


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Mappings and lists of mappings are walked; other lists, and `access`, are one value."""
    if isinstance(value, dict) and value and path[-1:] != ("access",):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    elif value != {} or path[-1:] == ("access",):
        yield path, value
