"""Choosing a target: fair, in constant time or in one look at each."""

from collections.abc import Callable, Collection, Sequence

from gateway.proxy.target import Target

Choose = Callable[[Collection[Target]], Target | None]
"""The next target for a request that has tried some already; None when not one may be asked."""


class RoundRobin:
    """Each ready target in its turn."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
        # Twice around, so that a round from any place is one stretch.
        self._ring = (*targets, *targets)
        self._next = 0

    def __call__(self, tried: Collection[Target] = ()) -> Target | None:
        start, count = self._next, len(self._targets)
        for index in range(start, start + count):
            target = self._ring[index]
            if target.ready and target not in tried:
                self._next = (index + 1) % count
                return target
        return last_resort(self._targets, tried)


class LeastConnections:
    """The ready target with the fewest requests under way; those that tie take turns."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
        self._ring = (*targets, *targets)
        self._next = 0

    def __call__(self, tried: Collection[Target] = ()) -> Target | None:
        start, count = self._next, len(self._targets)
        best, place = None, 0
        for index in range(start, start + count):
            target = self._ring[index]
            if target.ready and (best is None or target.in_use < best.in_use) and target not in tried:
                best, place = target, index
        if best is None:
            return last_resort(self._targets, tried)
        self._next = (place + 1) % count
        return best


class OnlyOne:
    """Where there is nothing to choose."""

    def __init__(self, target: Target) -> None:
        self._targets = (target,)
        self._target = target

    def __call__(self, tried: Collection[Target] = ()) -> Target | None:
        target = self._target
        return target if target.ready else last_resort(self._targets, tried)


def last_resort(targets: Sequence[Target], tried: Collection[Target]) -> Target | None:
    """When none is ready and untried: one not tried yet, then one whose connections fail, the least busy."""
    usable = [target for target in targets if target.usable]
    return min(usable, key=lambda target: (target in tried, target.shunned, target.in_use), default=None)


def choice(targets: Sequence[Target], *, round_robin: bool) -> Choose:
    """The way to choose that fits."""
    if len(targets) == 1:
        return OnlyOne(targets[0])
    return RoundRobin(targets) if round_robin else LeastConnections(targets)
