"""A proxy under test, and the proof that it does the work it is measured at."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.ask import status_of
from benchmarks.bed import Bed
from benchmarks.credentials import PATH, spoiled
from benchmarks.errors import Unfit
from benchmarks.processes import Process


@dataclass(frozen=True, slots=True)
class Tokens:
    """What callers show: `admin` is let through, `user` lacks the role."""

    admin: str
    user: str


@dataclass(frozen=True, slots=True)
class Peer:
    """`judges`: it checks token and role. `start(bed)` gives the process and its port, or raises Missing."""

    name: str
    label: str
    judges: bool
    start: Callable[[Bed], tuple[Process, int]]


@dataclass(frozen=True, slots=True)
class RunningPeer:
    """A peer that answers at `port`."""

    peer: Peer
    process: Process
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def check(self, tokens: Tokens) -> None:
        """200 for a good token and, from those that judge, 401 and 403 for bad ones; else Unfit."""
        expected: dict[str | None, int] = {tokens.admin: 200}
        if self.peer.judges:
            expected |= {None: 401, spoiled(tokens.admin): 401, tokens.user: 403}
        answers = {token: status_of(self.port, PATH, token) for token in expected}
        if answers != expected:
            raise Unfit(
                f"{self.peer.name} answered {list(answers.values())} instead of {list(expected.values())}:\n"
                f"{self.process.tail()}"
            )
