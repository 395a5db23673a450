"""Durations, sizes and rates as people write them: `30m`, `1h30m`, `10MiB`, `100/m`."""

import re
from typing import Final

from gateway.config.scalars import shown, unfit
from gateway.policy.rate import Rate

_MILLISECONDS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_BYTES: Final = {
    "B": 1,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
}
_DURATION: Final = re.compile(r"(?:[0-9]{1,12}(?:ms|[dhms]))+")
_DURATION_PART: Final = re.compile(r"([0-9]+)(ms|[dhms])")
_SIZE: Final = re.compile(r"([0-9]{1,15})\s?(B|[KMG]iB|[kKMG]B)")
_RATE: Final = re.compile(r"([0-9]{1,9})/([0-9]{0,9})(ms|[dhms])")

DURATION_HINT: Final = "write a number with a unit (ms, s, m, h, d), such as 30s or 1h30m"
SIZE_HINT: Final = "write a number with a unit (B, KiB, MiB, GiB), such as 64KiB"
RATE_HINT: Final = "write a count and a period, such as 100/m or 10/15m"


def read_duration(value: object) -> float:
    """Seconds; `unfit` for anything that is not a number with a unit."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise unfit(f"{shown(value)} is not a duration", DURATION_HINT)
    parts = _DURATION_PART.findall(value)
    return sum(int(count) * _MILLISECONDS[unit] for count, unit in parts) / 1000


def format_duration(seconds: float) -> str:
    """The shortest exact spelling: `90s`, `30m`, `7d`."""
    left = round(seconds * 1000)
    for unit, size in _MILLISECONDS.items():
        if left >= size and left % size == 0:
            return f"{left // size}{unit}"
    return "0s"


def read_size(value: object) -> int:
    """Bytes; `unfit` for anything that is not a number with a unit."""
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise unfit(f"{shown(value)} is not a size", SIZE_HINT)
    return int(found[1]) * _BYTES[found[2]]


def format_size(size: int) -> str:
    """The largest unit of 1024 that is exact: `10MiB`, `1000B`."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def read_rate(value: object) -> Rate:
    """A rate; `unfit` for anything that is not `count/period`, and for a count or period of nothing."""
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise unfit(f"{shown(value)} is not a rate", RATE_HINT)
    count, seconds = int(found[1]), int(found[2] or "1") * _MILLISECONDS[found[3]] / 1000
    if not count or not seconds:
        raise unfit("a rate needs a count and a period above nothing", RATE_HINT)
    return Rate(count, seconds)
