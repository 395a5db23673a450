"""Every file in tests/golden/config gives exactly the problems written beside it.

After a change of wording: `python -m tests.config.test_golden` writes them anew; read the difference.
"""

from pathlib import Path

import pytest

from gateway.config import Problem, load_text
from gateway.config.problems import summary
from gateway.errors import ConfigError

GOLDEN = Path(__file__).parent.parent / "golden" / "config"
ENVIRON = {
    "JWT_SECRET_KEY": "yWmXxp2C8pFJ2tGQbqj8XqgbtAoq4lnY9b0r8FSFX7Q=",
    "LEAK": "hunter2-from-the-environment",
    "PORT": "8080",
}


def findings(path: Path) -> str:
    try:
        problems = load_text(path.read_bytes(), "config.yaml", ENVIRON, GOLDEN).warnings
    except ConfigError as error:
        problems = tuple(problem for problem in error.problems if isinstance(problem, Problem))
    return "\n".join([*(problem.render() for problem in problems), summary(problems)]) + "\n"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_findings_are_as_written(path: Path) -> None:
    found = findings(path)
    assert found == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert "hunter2" not in found


def test_there_are_enough_of_them() -> None:
    assert len(list(GOLDEN.glob("*.yaml"))) >= 25


if __name__ == "__main__":
    for file in GOLDEN.glob("*.yaml"):
        file.with_suffix(".txt").write_text(findings(file), encoding="utf-8")
