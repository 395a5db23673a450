"""Generated secrets: made once, private, whole, and the same for everybody who asks."""

import stat
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from gateway.demo.keep import keep


def test_the_first_text_is_kept(tmp_path: Path) -> None:
    numbers = count()
    made = [keep(tmp_path / "data" / "secret", lambda: f"number {next(numbers)}") for _ in range(3)]
    assert made == ["number 0"] * 3


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    keep(path, lambda: "text")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("text\n")
    path.chmod(0o644)
    assert keep(path, lambda: "other") == "text"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_all_who_start_at_once_agree_and_leave_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    numbers = count()
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: keep(path, lambda: f"number {next(numbers)}"), range(64)))
    assert len(set(made)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
