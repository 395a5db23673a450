"""How an upstream and its targets are doing, for metrics and the console."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """`circuit` is `closed` where requests flow, `ready` whether the next request may go there."""

    url: str
    ready: bool
    healthy: bool
    circuit: str
    in_use: int
    connections: int


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """`in_use` of at most `limit` exchanges are under way; `waiting` requests have no connection yet."""

    targets: tuple[TargetStatus, ...]
    in_use: int
    limit: int
    waiting: int
