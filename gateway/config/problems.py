"""What is wrong with a configuration: problems with positions, and how they are written down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Errors keep the gateway from starting; warnings do not."""

    ERROR = "error"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `line` and `column` count from 1; both are 0 when the file itself cannot be read."""

    path: str
    line: int
    column: int
    severity: Severity
    message: str
    hint: str = ""

    @property
    def unreadable(self) -> bool:
        """Whether the file could not be read at all (the command line exits with 2, not 1)."""
        return self.line == 0

    @property
    def where(self) -> str:
        """`file:line:col`, or the file alone."""
        return self.path if self.unreadable else f"{self.path}:{self.line}:{self.column}"

    def render(self) -> str:
        """`file:line:col  error  message`, and the hint below it, indented to the severity."""
        text = f"{self.where}  {self.severity}  {self.message}"
        if not self.hint:
            return text
        return f"{text}\n{' ' * len(self.where)}  hint  {self.hint}"

    def to_json(self) -> dict[str, object]:
        """The machine form; `line` and `column` are null when the file could not be read."""
        return {
            "file": self.path,
            "line": self.line or None,
            "column": self.column or None,
            "severity": str(self.severity),
            "message": self.message,
            "hint": self.hint or None,
        }


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By position, without repetitions."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column)))


def errors_among(problems: Iterable[Problem]) -> int:
    """How many keep the gateway from starting."""
    return sum(problem.severity is Severity.ERROR for problem in problems)


def summary(problems: Sequence[Problem]) -> str:
    """The closing line, such as `2 findings, 1 error.`"""
    return f"{_count(len(problems), 'finding')}, {_count(errors_among(problems), 'error')}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
