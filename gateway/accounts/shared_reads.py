"""Reads by key where callers who ask at the same time share one query.

Every refresh reads one user. Under load a query for thirty keys costs hardly more than a query for one, so
those who ask while a query is under way wait for the next, which starts after they asked: nobody is given an
answer older than the question.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Generic, TypeVar

_T = TypeVar("_T")
_MOST_KEYS = 64


class SharedReads(Generic[_T]):
    """`fetch` takes 1 to 64 distinct keys and returns what it found; its errors go to all who asked."""

    def __init__(self, fetch: Callable[[list[str]], Awaitable[Mapping[str, _T]]]) -> None:
        self._fetch = fetch
        self._waiting: dict[str, list[asyncio.Future[_T | None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: str) -> _T | None:
        answer: asyncio.Future[_T | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(answer)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                keys = list(islice(self._waiting, _MOST_KEYS))
                await self._answer({key: self._waiting.pop(key) for key in keys})
        finally:
            self._task = None

    async def _answer(self, asked: Mapping[str, list[asyncio.Future[_T | None]]]) -> None:
        try:
            found = await self._fetch(list(asked))
        except Exception as error:
            for _, future in _unanswered(asked):
                future.set_exception(error)
        except BaseException:
            for _, future in _unanswered(asked):
                future.cancel()
            raise
        else:
            for key, future in _unanswered(asked):
                future.set_result(found.get(key))


def _unanswered(
    asked: Mapping[str, list[asyncio.Future[_T | None]]],
) -> list[tuple[str, asyncio.Future[_T | None]]]:
    """Callers who went away have cancelled theirs."""
    return [(key, future) for key, futures in asked.items() for future in futures if not future.done()]
