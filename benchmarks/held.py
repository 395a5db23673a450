"""Opening many connections, a few at a time, and keeping them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
_AT_ONCE = 100


async def in_batches(count: int, make: Callable[[], Awaitable[T]]) -> list[T]:
    """`make` so often, `_AT_ONCE` of them at the same time."""
    made: list[T] = []
    while len(made) < count:
        made += await asyncio.gather(*(make() for _ in range(min(_AT_ONCE, count - len(made)))))
    return made


async def count_good(held: Sequence[T], good: Callable[[T], Awaitable[bool]]) -> int:
    """How many are good; those that raise are not."""
    seen = 0
    for start in range(0, len(held), _AT_ONCE):
        found = await asyncio.gather(*(good(one) for one in held[start : start + _AT_ONCE]), return_exceptions=True)
        seen += sum(one is True for one in found)
    return seen
