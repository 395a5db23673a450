"""`gateway demo`: the gateway with two sample services and accounts, for a first try."""

import os
import sys
from pathlib import Path

import click

from gateway.cli.common import CONFIG_PATH
from gateway.clock import SystemClock
from gateway.demo.start import run_demo


@click.command()
@click.option(
    "--config",
    "-c",
    "config",
    type=CONFIG_PATH,
    default=Path("config.yaml"),
    show_default=True,
)
def command(config: Path) -> None:
    """Run the gateway with everything that a first try needs, until Ctrl-C.

    Starts two sample services, makes an admin and a user account, and prints commands to paste. Secrets,
    accounts and sessions are kept in the folder data beside the configuration.

    \b
    Exit codes: 0 stopped, 1 the configuration has problems, 2 file missing, port taken or data unusable,
    3 something it needs is unreachable.

    \b
    Example, on other ports:
      GATEWAY_LISTEN=127.0.0.1:8090 GATEWAY_MANAGEMENT=127.0.0.1:8091 gateway demo
    """
    # The process's own environment, because worker processes read the configuration with a copy of it.
    sys.exit(run_demo(config, SystemClock(), os.environ))
