"""The sliding window that every limiter counts with, wherever it is kept. Pure; times in whole milliseconds.

At most `count` are admitted in any span of the period, not only in spans that a clock marks off. All of them may
come at once; that is the whole burst. Each admission is given back one period later, or up to a sixtieth of the
period after that: admissions so near to each other are kept as one group, which bounds what a key costs.
What is refused is not counted.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from gateway.policy.rate import Rate

_GRAINS: Final = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a limiter says. `reset_after`: seconds until all of `limit` is there again, if nothing more comes;
    `retry_after`: seconds until one more would be admitted, 0 while `remaining` is not."""

    allowed: bool
    limit: int
    remaining: int
    reset_after: float
    retry_after: float


def spans(rate: Rate) -> tuple[int, int]:
    """The period, and how long a group goes on after its first admission."""
    period = max(1, round(rate.seconds * 1000))
    return period, period // _GRAINS


def verdict_of(rate: Rate, *, allowed: bool, used: int, reset_ms: int, retry_ms: int) -> Verdict:
    """A verdict from what a store counted."""
    return Verdict(allowed, rate.count, max(0, rate.count - used), reset_ms / 1000, retry_ms / 1000)


class Window:
    """The admissions of one key: groups of (last, count), the oldest first, and when the newest group began."""

    __slots__ = ("first", "groups")

    def __init__(self, first: int = 0, groups: Iterable[tuple[int, int]] = ()) -> None:
        self.first = first
        self.groups = deque(groups)

    @classmethod
    def read(cls, text: str) -> Self:
        """From `str()`; the empty text is an empty window."""
        first, *rest = map(int, text.split() or ("0",))
        return cls(first, zip(rest[::2], rest[1::2], strict=True))

    def __str__(self) -> str:
        return " ".join(map(str, (self.first, *(number for group in self.groups for number in group))))

    @property
    def newest(self) -> int:
        """When the last admission was; 0 when none is left."""
        return self.groups[-1][0] if self.groups else 0

    def take(self, rate: Rate, now: int) -> Verdict:
        """Admit and count one, or refuse."""
        period, grain = spans(rate)
        now = self._advance(now, period)
        used = sum(count for _, count in self.groups)
        allowed = used < rate.count
        if allowed:
            self._add(now, grain)
            used += 1
        reset = self.newest + period - now
        retry = self._free_at(used - rate.count) + period - now if used >= rate.count else 0
        return verdict_of(rate, allowed=allowed, used=used, reset_ms=reset, retry_ms=retry)

    def _advance(self, now: int, period: int) -> int:
        """Forget what is over; the time to count with, which never goes back for a key: clocks of hosts differ.

        Admissions a whole period ahead are no difference between clocks: one was set back, and they are dropped.
        """
        if self.newest > now + period:
            self.groups.clear()
        now = max(now, self.newest)
        while self.groups and self.groups[0][0] + period <= now:
            self.groups.popleft()
        return now

    def _add(self, now: int, grain: int) -> None:
        if self.groups and now - self.first <= grain:
            self.groups[-1] = (now, self.groups[-1][1] + 1)
        else:
            self.first = now
            self.groups.append((now, 1))

    def _free_at(self, surplus: int) -> int:
        """The last admission of the group that must go until fewer than the limit are left."""
        for last, count in self.groups:
            surplus -= count
            if surplus < 0:
                return last
        return self.newest
