"""How problems are written down."""

import pytest

from gateway.config.problems import Problem, Severity, errors_among, in_order, summary


def problem(line: int = 1, severity: Severity = Severity.ERROR, hint: str = "") -> Problem:
    return Problem("config.yaml", line, 7, severity, "something is wrong", hint)


def test_a_finding_is_a_line_that_editors_understand() -> None:
    assert problem(14).render() == "config.yaml:14:7  error  something is wrong"


def test_the_hint_stands_below_the_severity() -> None:
    first, second = problem(22, Severity.WARN, "do this").render().splitlines()
    assert second.index("hint") == first.index("warn")
    assert second.strip() == "hint  do this"


def test_a_file_that_cannot_be_read_has_no_position() -> None:
    unreadable = Problem("config.yaml", 0, 0, Severity.ERROR, "there is no such file")
    assert unreadable.render() == "config.yaml  error  there is no such file"
    assert unreadable.to_json()["line"] is None


def test_the_machine_form_has_every_field() -> None:
    assert problem(3, hint="do this").to_json() == {
        "file": "config.yaml",
        "line": 3,
        "column": 7,
        "severity": "error",
        "message": "something is wrong",
        "hint": "do this",
    }


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ([], "0 findings, 0 errors."),
        ([problem()], "1 finding, 1 error."),
        ([problem(), problem(2, Severity.WARN)], "2 findings, 1 error."),
        ([problem(2, Severity.WARN)], "1 finding, 0 errors."),
    ],
)
def test_the_summary_counts(found: list[Problem], line: str) -> None:
    assert summary(found) == line


def test_problems_are_ordered_by_position_and_said_once() -> None:
    assert [p.line for p in in_order([problem(9), problem(2), problem(9)])] == [2, 9]
    assert errors_among([problem(), problem(severity=Severity.WARN)]) == 1
