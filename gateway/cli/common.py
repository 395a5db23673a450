"""What all verbs share: options, exit codes, where output goes, and how a configuration is loaded.

Results go to standard output, talk to standard error; colour only where a terminal shows it and `NO_COLOR` is
not set (https://no-color.org).
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

from gateway.config import Loaded, Problem, Severity, load_config, load_text
from gateway.config.problems import errors_among, summary
from gateway.config.reading import LARGEST_FILE, STDIN_NAME, file_name
from gateway.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])
STDIN: Final = Path("-")


class Exit(IntEnum):
    """What a verb's exit code says."""

    FINE = 0
    FINDINGS = 1
    USAGE = 2
    UNREACHABLE = 3


_COLOURS: Final = {Severity.ERROR: "red", Severity.WARN: "yellow"}


# What cannot be read is a finding, told by who reads it; click would tell it in another form.
CONFIG_PATH: Final = click.Path(path_type=Path, readable=False)


def config_option(function: F) -> F:
    """Adds `--config/-c FILE`, passed as `config: Path`; `-` is standard input."""
    return click.option(
        "--config",
        "-c",
        type=CONFIG_PATH,
        default=Path("config.yaml"),
        show_default=True,
        metavar="FILE",
        help="The configuration file; - reads standard input.",
    )(function)


def json_option(function: F) -> F:
    """Adds `--json`, passed as `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(function)


def say(text: str) -> None:
    """Talk: to standard error."""
    click.echo(text, err=True, color=_colour())


def answer(text: str) -> None:
    """A result: to standard output."""
    click.echo(text, color=_colour())


def answer_json(value: object) -> None:
    """A result for machines."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def read_config(config: Path, *, signs: bool = True) -> Loaded:
    """The configuration at a path or on standard input; ConfigError as `load_config`."""
    if config == STDIN:
        raw = sys.stdin.buffer.read(LARGEST_FILE + 1)
        return load_text(raw, STDIN_NAME, os.environ, Path(), signs=signs)
    return load_config(config, os.environ, signs=signs)


def load_or_exit(config: Path, *, as_json: bool, signs: bool = True) -> Loaded:
    """For verbs that need a sound configuration: findings go to standard error, errors end the program.

    Exits with 1 for errors in the file and with 2 when it cannot be read; with `as_json` the findings are the
    result then. Warnings are shown and passed.
    """
    try:
        loaded = read_config(config, signs=signs)
    except ConfigError as error:
        problems = problems_of(error)
        if as_json:
            answer_json(problems_json(problems, config))
        else:
            say(report(problems))
        leave(exit_code(problems))
    if loaded.warnings:
        say(report(loaded.warnings))
    return loaded


def problems_json(problems: Sequence[Problem], config: Path) -> dict[str, object]:
    """What is wrong with a file, for machines."""
    errors = errors_among(problems)
    return {
        "file": problems[0].path if problems else file_name(config),
        "ok": not errors,
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [problem.to_json() for problem in problems],
    }


def refuse(sentence: str, hint: str, code: Exit, *, as_json: bool) -> NoReturn:
    """End the program with what stood in the way, on standard error or, for machines, as the result."""
    if as_json:
        answer_json({"ok": False, "error": sentence, "hint": hint or None})
    else:
        say(f"gateway: {sentence}" + (f"\n   hint  {hint}" if hint else ""))
    leave(code)


def problems_of(error: ConfigError) -> tuple[Problem, ...]:
    """The problems of a ConfigError, typed."""
    return tuple(problem for problem in error.problems if isinstance(problem, Problem))


def exit_code(problems: Sequence[Problem]) -> Exit:
    """2 when the file could not be read, 1 for errors, 0 for warnings only."""
    if any(problem.unreadable for problem in problems):
        return Exit.USAGE
    has_errors = any(problem.severity is Severity.ERROR for problem in problems)
    return Exit.FINDINGS if has_errors else Exit.FINE


def report(problems: Sequence[Problem]) -> str:
    """All findings and the closing line."""
    return "\n".join([*map(_painted, problems), summary(problems)])


def leave(code: Exit) -> NoReturn:
    """End the program with a code."""
    click.get_current_context().exit(int(code))


def _painted(problem: Problem) -> str:
    plain = str(problem.severity)
    painted = click.style(plain, fg=_COLOURS[problem.severity], bold=True)
    return problem.render().replace(f"  {plain}  ", f"  {painted}  ", 1)


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None
