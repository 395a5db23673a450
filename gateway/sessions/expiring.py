"""Keys that are forgotten after a time, a few at each step instead of all at once."""

from collections import deque


class Expiring:
    """`until` maps each key to the second it may be forgotten after; look keys up there.

    Keys come nearly in the order they expire, so a queue finds the due ones; one that came again with a later
    time holds back those behind it until then, no longer. A million UUIDs take about 125 MB.
    """

    __slots__ = ("_last", "_order", "until")

    def __init__(self) -> None:
        self.until: dict[str, int] = {}
        self._order: deque[str] = deque()
        self._last = 0

    def put(self, key: str, until: int) -> None:
        """Keep the key until then, or longer if it is kept longer already."""
        known = self.until.get(key)
        if known is None:
            self._order.append(key)
        elif known >= until:
            return
        if until != self._last:
            self._last = until
        # One int object for all keys of a second: 32 bytes less for each key.
        self.until[key] = self._last

    def forget(self, now: float, most: int) -> list[str]:
        """Drop up to `most` keys that are due, and say which."""
        dropped: list[str] = []
        while self._order and len(dropped) < most and self.until[self._order[0]] <= now:
            key = self._order.popleft()
            del self.until[key]
            dropped.append(key)
        return dropped
