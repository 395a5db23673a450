"""What one measurement hands back: a piece of the report, verdicts on targets, and the raw figures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: `measured` and `target` as text; `met` None when it could not be measured."""

    what: str
    measured: str
    target: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Figure:
    """`text` is Markdown without a heading; `data` is what goes into the JSON file."""

    name: str
    title: str
    text: str
    verdicts: Sequence[Verdict] = ()
    data: dict[str, Any] = field(default_factory=dict)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column to the left, all others to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mib(size: float) -> str:
    """Bytes as MiB."""
    return f"{size / 1024 / 1024:,.1f} MiB"
