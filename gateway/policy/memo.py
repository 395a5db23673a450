"""A bounded memory of pure functions' results, for what the same clients ask again and again."""

from collections.abc import Callable, Sized
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Sized)
V = TypeVar("V")

_LONGEST_KEY: Final = 512


class Memo(Generic[K, V]):
    """`get` is a dictionary access for what is known; a refusal that `work` raises is never remembered.

    Full, it starts again from nothing: what is asked often is back at once, and no order has to be kept.
    Long keys are not remembered, so that they cannot fill the memory either.
    """

    __slots__ = ("_known", "_most", "_work")

    def __init__(self, work: Callable[[K], V], *, most: int = 4096) -> None:
        self._work = work
        self._most = most
        self._known: dict[K, V] = {}

    def get(self, key: K) -> V:
        """What `work` gives for `key`."""
        try:
            return self._known[key]
        except KeyError:
            return self._learn(key)

    def _learn(self, key: K) -> V:
        value = self._work(key)
        if len(key) <= _LONGEST_KEY:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[key] = value
        return value
