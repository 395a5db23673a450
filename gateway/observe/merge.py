"""The snapshots of all workers read as one."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.observe.histogram import BOUNDS

Snapshot = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Durations:
    """A histogram: counts by bucket (not cumulative) and the sum in seconds."""

    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over workers; of staleness and entries the largest, because all workers copy the same feed."""

    requests: Mapping[tuple[str, str, int], int]
    request_seconds: Mapping[str, Durations]
    upstream_seconds: Mapping[str, Durations]
    refreshes: Mapping[str, int]
    logins: Mapping[str, int]
    sessions_ended: Mapping[str, int]
    connections_cut: Mapping[str, int]
    in_flight: int
    websockets: int
    revocation_staleness: float
    revocation_entries: int
    dropped_lines: int
    workers: int

    def counted(self) -> Snapshot:
        """What only ever grows, as the snapshot of a worker that is at rest."""
        return {
            "requests": [[*series, count] for series, count in self.requests.items()],
            "request_seconds": {name: asdict(each) for name, each in self.request_seconds.items()},
            "upstream_seconds": {name: asdict(each) for name, each in self.upstream_seconds.items()},
            "refreshes": self.refreshes,
            "logins": self.logins,
            "sessions_ended": self.sessions_ended,
            "connections_cut": self.connections_cut,
            "in_flight": 0,
            "websockets": 0,
            "revocation_staleness": 0.0,
            "revocation_entries": 0,
            "dropped_lines": self.dropped_lines,
        }


def merge(snapshots: Sequence[Snapshot]) -> Totals:
    """Add up snapshots of `Counters`, one of each worker that answered."""
    requests: Counter[tuple[str, str, int]] = Counter()
    for snapshot in snapshots:
        for route, reason, status, count in snapshot["requests"]:
            requests[route, reason, status] += count
    return Totals(
        requests=requests,
        request_seconds=_durations(snapshot["request_seconds"] for snapshot in snapshots),
        upstream_seconds=_durations(snapshot["upstream_seconds"] for snapshot in snapshots),
        refreshes=_sums(snapshot["refreshes"] for snapshot in snapshots),
        logins=_sums(snapshot["logins"] for snapshot in snapshots),
        sessions_ended=_sums(snapshot["sessions_ended"] for snapshot in snapshots),
        connections_cut=_sums(snapshot["connections_cut"] for snapshot in snapshots),
        in_flight=sum(snapshot["in_flight"] for snapshot in snapshots),
        websockets=sum(snapshot["websockets"] for snapshot in snapshots),
        revocation_staleness=max((_staleness(snapshot) for snapshot in snapshots), default=0.0),
        revocation_entries=max((snapshot["revocation_entries"] for snapshot in snapshots), default=0),
        dropped_lines=sum(snapshot["dropped_lines"] for snapshot in snapshots),
        workers=len(snapshots),
    )


def _staleness(snapshot: Snapshot) -> float:
    staleness = snapshot["revocation_staleness"]
    return math.inf if staleness is None else float(staleness)


def _sums(parts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return total


def _durations(parts: Iterable[Mapping[str, Mapping[str, Any]]]) -> Mapping[str, Durations]:
    merged: dict[str, Durations] = {}
    for part in parts:
        for name, each in part.items():
            before = merged.get(name, Durations((0,) * (len(BOUNDS) + 1), 0.0))
            counts = tuple(a + b for a, b in zip(before.counts, each["counts"], strict=True))
            merged[name] = Durations(counts, before.total + each["total"])
    return merged
