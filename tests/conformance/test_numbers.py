"""Every behaviour of the checklist has its test, and every test here has its behaviour."""

import re
from pathlib import Path

_TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
_NUMBERED = re.compile(r"test_p(\d{2,3})_[a-z0-9_]+")


def test_all_of_1_to_112_are_there() -> None:
    files = [path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__)]
    names = [name for path in files for name in _TEST.findall(path.read_text())]
    numbers = {int(found[1]) for name in names if (found := _NUMBERED.fullmatch(name))}
    assert [name for name in names if not _NUMBERED.fullmatch(name)] == []
    assert sorted(numbers) == list(range(1, 113))
