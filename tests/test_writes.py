"""Writes of one turn of the loop: the first at once, the rest together, order kept, nothing lost."""

import asyncio
from typing import Any

from gateway.writes import Writes


class Sink:
    """Stands for a transport: notes when it was written to."""

    def __init__(self, log: list[tuple[str, bytes]], name: str) -> None:
        self.log = log
        self.name = name
        self.closing = False

    def write(self, data: bytes) -> None:
        self.log.append((self.name, data))

    def is_closing(self) -> bool:
        return self.closing


def sinks() -> tuple[list[tuple[str, bytes]], Any, Any]:
    log: list[tuple[str, bytes]] = []
    return log, Sink(log, "a"), Sink(log, "b")


async def test_the_first_write_of_a_turn_is_not_put_off() -> None:
    log, a, b = sinks()
    writes = Writes()
    for _ in range(2):
        log.clear()
        writes.write(a, b"1")
        assert log == [("a", b"1")]
        writes.write(b, b"2")
        writes.write(a, b"3")
        assert log == [("a", b"1")]
        await asyncio.sleep(0)
        assert log == [("a", b"1"), ("b", b"2"), ("a", b"3")]
        await asyncio.sleep(0)


async def test_flush_sends_before_anything_else_can() -> None:
    log, a, b = sinks()
    writes = Writes()
    writes.write(a, b"1")
    writes.write(b, b"2")
    writes.flush()
    b.write(b"direct")
    await asyncio.sleep(0)
    assert log == [("a", b"1"), ("b", b"2"), ("b", b"direct")]


async def test_what_was_closed_meanwhile_is_left_out() -> None:
    log, a, b = sinks()
    writes = Writes()
    writes.write(a, b"1")
    writes.write(b, b"2")
    b.closing = True
    await asyncio.sleep(0)
    assert log == [("a", b"1")]
