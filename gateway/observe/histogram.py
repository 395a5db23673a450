"""How long things took, in fixed buckets."""

from bisect import bisect_left
from typing import Final

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds, inclusive; one more bucket takes what is longer."""


class Histogram:
    """Counts by bucket, each value in one bucket only, and the sum of all values in seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def snapshot(self) -> dict[str, object]:
        """`counts` and `total`, as JSON can carry them."""
        return {"counts": list(self.counts), "total": self.total}
