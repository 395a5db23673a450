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
    def phase(self) -> str | None:
        """`starting` until the public listener takes connections, `draining` once told to stop, else None."""
        ...

    async def reports(self) -> Sequence[WorkerReport]:
        """A report of each worker that answers."""
        ...

    def past(self) -> Sequence[Mapping[str, Any]]:
        """The last counters of workers that did not answer, or are no more, as of the last `reports`."""
        ...


class LocalFleet:
    """A gateway of one worker, in the process that serves the management listener."""

    expected = 1

    def __init__(self, report: Callable[[], WorkerReport], phase: Callable[[], str | None]) -> None:
        self._report = report
        self._phase = phase

    @property
    def phase(self) -> str | None:
        return self._phase()

    async def reports(self) -> Sequence[WorkerReport]:
        return [self._report()]

    def past(self) -> Sequence[Mapping[str, Any]]:
        return ()


def waiting_for(fleet: Fleet, reports: Sequence[WorkerReport]) -> list[str]:
    """Everything that keeps the gateway from being ready; empty when it is."""
    phase = fleet.phase
    waits = [phase] if phase is not None else []
    missing = fleet.expected - len(reports)
    if missing > 0:
        waits.append(f"{missing} of {fleet.expected} workers")
    return waits + sorted({reason for report in reports for reason in report.waiting_for})
