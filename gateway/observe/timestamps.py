"""RFC 3339 times in UTC with milliseconds, cheap for many in the same second."""

from datetime import UTC, datetime


class Timestamps:
    """Formats seconds since the epoch; the part down to the second is worked out once a second."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def format(self, now: float) -> str:
        """Such as `2027-01-15T08:00:00.123Z`."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        return f"{self._text}{int((now - second) * 1000):03d}Z"
