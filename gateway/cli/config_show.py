"""`gateway config show|schema`: the values in force and where they come from; the schema for editors."""

import json
from pathlib import Path
from typing import Any

import click

from gateway.cli.common import answer, answer_json, config_option, json_option, load_or_exit
from gateway.cli.table import columns
from gateway.config.effective import effective, effective_tree
from gateway.config.schema import json_schema


@click.group("config")
def command() -> None:
    """Show what the configuration says and may say."""


@command.command("show")
@config_option
@json_option
def show(config: Path, as_json: bool) -> None:
    """Show every value in force, secrets masked, and where each comes from."""
    loaded = load_or_exit(config, as_json=as_json)
    entries = effective(loaded)
    if as_json:
        origins = {entry.key: entry.origin for entry in entries}
        answer_json({"settings": effective_tree(loaded), "origins": origins})
        return
    answer(columns(("KEY", "VALUE", "FROM"), [(e.key, _written(e.value), e.origin) for e in entries]))


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    answer_json(json_schema())


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
