"""What one worker says of itself, and how the reports of all workers read together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """`waiting_for` names what keeps the worker from being ready; `metrics` is a counters snapshot."""

    pid: int
    waiting_for: tuple[str, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "WorkerReport":
        return cls(pid=data["pid"], waiting_for=tuple(data["waiting_for"]), metrics=data["metrics"])


class Fleet(Protocol):
    """Where the reports of all workers come from."""

    @property
    def expected(self) -> int:
        """How many workers there should be."""
        ...

    @property
    def draining(self) -> bool:
        """Whether the gateway was told to stop."""
        ...

    async def reports(self) -> Sequence[WorkerReport]:
        """A report of each worker that answers."""
        ...


class LocalFleet:
    """A gateway of one worker, in the process that serves the management listener."""

    expected = 1

    def __init__(self, report: Callable[[], WorkerReport], draining: Callable[[], bool]) -> None:
        self._report = report
        self._draining = draining

    @property
    def draining(self) -> bool:
        return self._draining()

    async def reports(self) -> Sequence[WorkerReport]:
        return [self._report()]


def waiting_for(fleet: Fleet, reports: Sequence[WorkerReport]) -> list[str]:
    """Everything that keeps the gateway from being ready; empty when it is."""
    waits = ["draining"] if fleet.draining else []
    missing = fleet.expected - len(reports)
    if missing > 0:
        waits.append(f"{missing} of {fleet.expected} workers")
    return waits + sorted({reason for report in reports for reason in report.waiting_for})
