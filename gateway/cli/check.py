"""`gateway check`: every problem of a configuration file, without touching the network."""

from collections.abc import Sequence
from pathlib import Path

import click

from gateway.cli.common import (
    CONFIG_PATH,
    Exit,
    answer,
    answer_json,
    config_option,
    exit_code,
    json_option,
    leave,
    problems_json,
    problems_of,
    read_config,
    report,
    say,
)
from gateway.config import Loaded, Problem
from gateway.errors import ConfigError


@click.command("check")
@click.argument("file", required=False, type=CONFIG_PATH)
@config_option
@json_option
def command(file: Path | None, config: Path, as_json: bool) -> None:
    """Report every problem of a configuration file.

    FILE (or --config) is checked without starting anything and without the network; - reads standard input.
    Exits with 0 when it is sound (warnings allowed), 1 when it has errors, 2 when it cannot be read.
    """
    path = file or config
    loaded: Loaded | None = None
    try:
        loaded = read_config(path)
        problems = loaded.warnings
    except ConfigError as error:
        problems = problems_of(error)
    if as_json:
        answer_json(problems_json(problems, path))
    else:
        _print(loaded, problems)
    leave(exit_code(problems))


def _print(loaded: Loaded | None, problems: Sequence[Problem]) -> None:
    if exit_code(problems) is Exit.USAGE:
        say(report(problems))
    elif loaded is None or problems:
        answer(report(problems))
    else:
        routes, upstreams = len(loaded.settings.table.routes), len(loaded.settings.upstreams)
        answer(f"{loaded.source.name} is sound. Routes: {routes}. Upstreams: {upstreams}.")
