"""`gateway routes`: the route table in matching order."""

from pathlib import Path

import click

from gateway.cli.common import answer, answer_json, config_option, json_option, load_or_exit
from gateway.cli.table import columns
from gateway.policy.route import Route


@click.command("routes")
@config_option
@json_option
def command(config: Path, as_json: bool) -> None:
    """List the routes in matching order, the most specific first."""
    loaded = load_or_exit(config, as_json=as_json)
    routes = loaded.settings.table.routes
    if as_json:
        answer_json([_as_json(route) for route in routes])
        return
    heads = ("METHODS", "HOST", "PATH", "ACCESS", "UPSTREAM", "NAME", "LINE")
    answer(columns(heads, [_row(route) for route in routes]))


def _row(route: Route) -> tuple[str, ...]:
    methods = "all" if route.methods is None else ",".join(sorted(route.methods))
    host = "any" if route.host is None else str(route.host)
    access = route.access.describe()
    return (methods, host, route.path.text, access, route.upstream, route.name, str(route.line))


def _as_json(route: Route) -> dict[str, object]:
    return {
        "name": route.name,
        "methods": None if route.methods is None else sorted(route.methods),
        "host": None if route.host is None else str(route.host),
        "path": route.path.text,
        "access": route.access.describe(),
        "upstream": route.upstream,
        "line": route.line,
    }
