"""Paired and repeated measurement: every round visits everybody, so that a slow minute slows all alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.load import Sample
from benchmarks.spread import Spread

T = TypeVar("T")
Samples = Mapping[str, Sequence[Sample]]


def interleave(names: Sequence[str], rounds: int, measure: Callable[[str], T]) -> dict[str, list[T]]:
    """`measure` each name once in every round; each round begins with another one."""
    found: dict[str, list[T]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in [*names[turn:], *names[:turn]]:
            found[name].append(measure(name))
    return found


def ratio(mine: Sequence[float], other: Sequence[float]) -> Spread:
    """The spread of the ratios of samples from the same rounds."""
    return Spread.of(one / two for one, two in zip(mine, other, strict=True))


@dataclass(frozen=True, slots=True)
class Course:
    """The spreads of one series of samples."""

    samples: Sequence[Sample]

    @property
    def rate(self) -> Spread:
        return Spread.of(sample.rate for sample in self.samples)

    @property
    def p50(self) -> Spread:
        return Spread.of(sample.p50 for sample in self.samples)

    @property
    def p99(self) -> Spread:
        return Spread.of(sample.p99 for sample in self.samples)

    def median(self, name: str) -> float:
        """The median of any other field of the samples."""
        return Spread.of(float(getattr(sample, name)) for sample in self.samples).median

    @property
    def failed(self) -> int:
        """Answers of 400 and above, and requests without any answer."""
        return sum(sample.refused + sample.broken for sample in self.samples)
