"""A configuration file as data and positions: what it says, and where it says it."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.config.problems import Problem, Severity
from gateway.config.scalars import Expanded, printable

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file, counted from 1."""

    line: int
    column: int


START = Mark(1, 1)


@dataclass(slots=True)
class Source:
    """`data` holds dicts, lists and leaves (see `scalars`); keys and values have their marks by path.

    `problems` is the one report that every later step adds to.
    """

    name: str
    data: object = field(default=None, repr=False)
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def error(self, at: Path | Mark, message: str, hint: str = "") -> None:
        """Report what keeps the gateway from starting, at a mark or at the value of a path."""
        self._report(Severity.ERROR, at, message, hint)

    def warn(self, at: Path | Mark, message: str, hint: str = "") -> None:
        """Report what looks like a mistake."""
        self._report(Severity.WARN, at, message, hint)

    def value_mark(self, path: Path) -> Mark:
        """Where the value stands; for what is absent, the nearest key or value around it."""
        while path:
            mark = self.values.get(path)
            if mark is not None:
                return mark
            path = path[:-1]
            if path in self.keys:
                return self.keys[path]
        return self.values.get((), START)

    def key_mark(self, path: Path) -> Mark:
        """Where the key stands, else the value."""
        return self.keys.get(path) or self.value_mark(path)

    def at(self, path: Path) -> object:
        """The data at a path; None when there is none."""
        found = self.data
        for step in path:
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def origin(self, path: Path) -> str:
        """Where a value comes from: `default`, `environment NAME`, `file:line`, or the last two."""
        if path not in self.values:
            return "default"
        found = self.at(path)
        names = ", ".join(sorted(set(_variables(found))))
        if isinstance(found, Expanded) and names:
            return f"environment {names}"
        return f"{self.name}:{self.values[path].line}" + (f", environment {names}" if names else "")

    def _report(self, severity: Severity, at: Path | Mark, message: str, hint: str) -> None:
        mark = at if isinstance(at, Mark) else self.value_mark(at)
        self.problems.append(Problem(self.name, mark.line, mark.column, severity, message, hint))


def did_you_mean(word: str, known: Iterable[str], what: str) -> str:
    """A hint that lists what is known (or a part of it) and the nearest to `word`."""
    names = sorted(known)
    if not names:
        return f"there are no {what}"
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    near = difflib.get_close_matches(word, names, n=1)
    return f"{what}: {listed}" + (f" (did you mean {printable(near[0])}?)" if near else "")


def _variables(value: object) -> Iterator[str]:
    if isinstance(value, Expanded):
        yield from value.names
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _variables(item)
