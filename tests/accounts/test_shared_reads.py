"""Reads shared by those who ask at the same time."""

import asyncio

import pytest

from gateway.accounts.shared_reads import SharedReads
from gateway.errors import StoreUnavailable


class Shelf:
    """Counts what is fetched; `gate` holds fetches back."""

    def __init__(self) -> None:
        self.values = {"a": 1, "b": 2}
        self.fetched: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.broken = False

    async def fetch(self, keys: list[str]) -> dict[str, int]:
        self.fetched.append(keys)
        await self.gate.wait()
        if self.broken:
            raise StoreUnavailable("accounts")
        return {key: self.values[key] for key in keys if key in self.values}


async def asking(reads: SharedReads[int], *keys: str) -> list["asyncio.Task[int | None]"]:
    tasks = [asyncio.create_task(reads.get(key)) for key in keys]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_a_lone_caller_gets_its_own_query() -> None:
    shelf = Shelf()
    reads = SharedReads(shelf.fetch)
    assert [await reads.get("a"), await reads.get("nothing"), await reads.get("a")] == [1, None, 1]
    assert shelf.fetched == [["a"], ["nothing"], ["a"]]


async def test_who_asks_during_a_query_waits_for_one_that_starts_later() -> None:
    shelf = Shelf()
    reads = SharedReads(shelf.fetch)
    shelf.gate.clear()
    first = await asking(reads, "a")
    late = await asking(reads, "a", "b", "a")
    shelf.gate.set()
    assert await asyncio.gather(*first, *late) == [1, 1, 2, 1]
    assert shelf.fetched == [["a"], ["a", "b"]]


async def test_no_query_has_more_than_64_keys() -> None:
    shelf = Shelf()
    reads = SharedReads(shelf.fetch)
    await asyncio.gather(*(reads.get(str(number)) for number in range(150)))
    assert [len(keys) for keys in shelf.fetched] == [64, 64, 22]


async def test_a_failure_reaches_all_who_asked_and_nobody_later() -> None:
    shelf = Shelf()
    reads = SharedReads(shelf.fetch)
    shelf.broken = True
    failed = await asyncio.gather(reads.get("a"), reads.get("b"), return_exceptions=True)
    assert [type(error) for error in failed] == [StoreUnavailable, StoreUnavailable]
    shelf.broken = False
    assert await reads.get("a") == 1


async def test_a_caller_who_goes_away_disturbs_nobody() -> None:
    shelf = Shelf()
    reads = SharedReads(shelf.fetch)
    shelf.gate.clear()
    first, second = await asking(reads, "a", "a")
    first.cancel()
    shelf.gate.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first
