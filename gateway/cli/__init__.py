"""The `gateway` command. Verbs are imported only when they are used."""

import difflib
import importlib
from collections.abc import Mapping
from typing import Final

import click

from gateway import __version__

VERBS: Final[Mapping[str, str]] = {
    "serve": "gateway.cli.serve:command",
    "demo": "gateway.cli.demo:command",
    "check": "gateway.cli.check:command",
    "routes": "gateway.cli.routes:command",
    "config": "gateway.cli.config_show:command",
    "users": "gateway.cli.users:command",
}
"""Verb to `module:attribute`, in the order of the help."""


class LazyGroup(click.Group):
    """Finds its commands in `VERBS`, and suggests the nearest for a verb it does not know."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            suggestion = f" Did you mean {near[0]!r}?" if near else f" Verbs: {', '.join(VERBS)}."
            ctx.fail(f"There is no verb {args[0]!r}.{suggestion}")
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """Enforces authentication and authorisation in front of your services."""
