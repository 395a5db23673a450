"""From a configuration file to a serving gateway; what `gateway serve` and `gateway demo` call."""

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from gateway.app import Gateway
from gateway.clock import Clock
from gateway.config.addresses import Address
from gateway.config.load import load_config
from gateway.config.problems import Problem, summary
from gateway.config.reading import file_name
from gateway.config.settings import Settings
from gateway.errors import ConfigError
from gateway.parts import make_parts
from gateway.server.listen import ListenError, address_of, bind
from gateway.server.logs import configure_logs, stdout_writer
from gateway.server.single import run_single
from gateway.server.workers import run_workers

Prepare = Callable[[Settings], None]
Announce = Callable[[Settings, str, str], None]


def serve(
    config: Path,
    clock: Clock,
    *,
    environ: Mapping[str, str] = os.environ,
    prepare: Prepare | None = None,
    announce: Announce | None = None,
) -> int:
    """Load, bind, run; the exit code (0 stopped, 1 problems, 2 file or port, 3 unreachable).

    `prepare(settings)` is called when both ports are ours, `announce(settings, public address, management address)`
    when connections are accepted.
    """
    configure_logs()
    try:
        loaded = load_config(config, environ)
    except ConfigError as error:
        print("\n".join(report(error)), file=sys.stderr)
        return 2 if any(problem.unreadable for problem in _problems(error)) else 1
    if loaded.warnings:
        print("\n".join(_lines(loaded.warnings)), file=sys.stderr)
    public = _bound("server.listen", loaded.settings.server.listen, config)
    management = _bound("server.management", loaded.settings.server.management, config)
    if public is None or management is None:
        return 2
    if prepare is not None:
        prepare(loaded.settings)
    return _run(loaded.settings, config, clock, public, management, announce or _announce)


def report(error: ConfigError) -> Sequence[str]:
    """What is wrong with the configuration, as lines for standard error."""
    *findings, closing = _lines(_problems(error))
    return [*findings, f"{closing} Nothing was started."]


def _lines(problems: Sequence[Problem]) -> Sequence[str]:
    return [*(problem.render() for problem in problems), summary(problems)]


def _problems(error: ConfigError) -> Sequence[Problem]:
    return [problem for problem in error.problems if isinstance(problem, Problem)]


def _bound(key: str, address: Address, config: Path) -> socket.socket | None:
    try:
        return bind(address.host, address.port)
    except ListenError as error:
        where = f"{key} in {file_name(config)}"
        print(f"gateway: {address} {error.why} ({where})\n   hint  {error.hint}", file=sys.stderr)
        return None


def _run(
    settings: Settings,
    config: Path,
    clock: Clock,
    public: socket.socket,
    management: socket.socket,
    announce: Announce,
) -> int:
    on_ready = partial(announce, settings, address_of(public), address_of(management))
    if settings.server.workers > 1:
        return run_workers(settings, config, public, management, on_ready)
    gateway = Gateway(settings, make_parts(settings, clock, stdout_writer()))
    return run_single(settings, gateway, public, management, on_ready)


def _announce(settings: Settings, public: str, management: str) -> None:
    routes = len(settings.table.routes)
    print(
        f"gateway: {routes} routes on http://{public}, health and metrics on http://{management}",
        file=sys.stderr,
    )
