"""What is remembered, and that it stays bounded."""

import pytest

from gateway.errors import TargetRefused
from gateway.policy.memo import Memo
from gateway.policy.target import Target, read_target


class Counting:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, key: str) -> str:
        self.asked.append(key)
        return key.upper()


def test_known_keys_are_not_worked_out_again() -> None:
    work = Counting()
    memo = Memo(work)
    assert [memo.get("a"), memo.get("a"), memo.get("b")] == ["A", "A", "B"]
    assert work.asked == ["a", "b"]


def test_memory_is_bounded_and_recovers() -> None:
    work = Counting()
    memo = Memo(work, most=3)
    for key in ("a", "b", "c", "d", "d", "a"):
        assert memo.get(key) == key.upper()
    assert work.asked == ["a", "b", "c", "d", "a"]


def test_long_keys_are_not_remembered() -> None:
    work = Counting()
    memo = Memo(work)
    assert memo.get("x" * 513) == memo.get("x" * 513) == "X" * 513
    assert len(work.asked) == 2


def test_refusals_are_not_remembered() -> None:
    memo: Memo[bytes, Target] = Memo(lambda raw: read_target(raw, 100))
    for _ in range(2):
        with pytest.raises(TargetRefused):
            memo.get(b"/a/../b")
