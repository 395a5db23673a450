"""A median with its spread: what a repeated measurement comes to."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the samples, the least and the greatest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Iterable[float]) -> "Spread":
        """ValueError without samples."""
        values = sorted(samples)
        if not values:
            raise ValueError("nothing was measured")
        return cls(statistics.median(values), values[0], values[-1])

    def text(self, form: str = ",.0f") -> str:
        """Such as `12,345 (12,001–12,720)`."""
        return f"{self.median:{form}} ({self.low:{form}}–{self.high:{form}})"
