"""`gateway serve`: run the gateway in the foreground."""

import sys
from pathlib import Path

import click

from gateway.cli.common import CONFIG_PATH
from gateway.clock import SystemClock
from gateway.server.run import serve


@click.command()
@click.option(
    "--config", "-c", "config", type=CONFIG_PATH, default=Path("config.yaml"), show_default=True, metavar="FILE"
)
def command(config: Path) -> None:
    """Run the gateway until SIGTERM or Ctrl-C.

    One JSON line for each request and each event goes to standard output, talk to standard error.

    \b
    Exit codes: 0 stopped, 1 the configuration has problems, 2 file missing or port taken,
    3 something it needs is unreachable.

    \b
    Example:
      export JWT_SECRET_KEY=$(openssl rand -base64 32)
      gateway serve --config config.yaml
    """
    sys.exit(serve(config, SystemClock()))
