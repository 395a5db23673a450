"""`gateway serve`: run the gateway in the foreground."""

import sys
from pathlib import Path

import click

from gateway.clock import SystemClock
from gateway.server.run import serve


@click.command()
@click.option(
    "--config", "-c", "config", type=click.Path(path_type=Path), default=Path("config.yaml"), show_default=True
)
def command(config: Path) -> None:
    """Run the gateway until SIGTERM or Ctrl-C.

    \b
    Exit codes: 0 stopped, 1 the configuration has problems, 2 file missing or port taken,
    3 something it needs is unreachable.

    \b
    Example:
      JWT_SECRET_KEY=$(openssl rand -base64 32) gateway serve --config config.yaml
    """
    sys.exit(serve(config, SystemClock()))
