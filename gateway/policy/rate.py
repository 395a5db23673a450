"""How often something may be done, and who is counted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in any span of `seconds`, wherever the span begins."""

    count: int
    seconds: float

    def __str__(self) -> str:
        left = round(self.seconds * 1000)
        number, unit = next((left // size, unit) for unit, size in _UNITS if left % size == 0)
        return f"{self.count}/{unit}" if number == 1 and unit != "ms" else f"{self.count}/{number}{unit}"


class Counted(StrEnum):
    """Who shares one count: a user, an address (IPv6: its /64), or all who use the route."""

    USER = "user"
    ADDRESS = "ip"
    ROUTE = "route"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The `rate_limit:` of a route."""

    rate: Rate
    per: Counted
