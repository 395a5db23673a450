"""How many requests are sent again: few enough that an outage is not made worse."""

from typing import Final

_SHARE: Final = 0.2
_MOST_SAVED: Final = 10.0


class RetryBudget:
    """At most one retry for five requests, over the last fifty; the first ten of a quiet time are free.

    Without a bound a service that fails under load would get a multiple of that load.
    """

    __slots__ = ("_saved",)

    def __init__(self) -> None:
        self._saved = _MOST_SAVED

    def earn(self) -> None:
        """A request was made."""
        if self._saved < _MOST_SAVED:
            self._saved += _SHARE

    def spend(self) -> bool:
        """Whether a retry may be made now; it is then counted."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
