"""From a configuration file to a serving gateway; what `gateway serve` and `gateway demo` call."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway.app import Gateway
from gateway.clock import Clock
from gateway.config.load import load_config
from gateway.config.problems import Problem, summary
from gateway.config.settings import Loaded, Settings
from gateway.errors import ConfigError
from gateway.parts import make_parts
from gateway.server.listen import ListenError, address_of, bind
from gateway.server.logs import configure_logs, stdout_writer
from gateway.server.single import run_single
from gateway.server.workers import run_workers

Announce = Callable[[Settings, str, str], None]


def serve(
    config: Path,
    clock: Clock,
    *,
    environ: Mapping[str, str] = os.environ,
    announce: Announce | None = None,
) -> int:
    """Load, bind, run; the exit code (0 stopped, 1 problems, 2 file or port, 3 unreachable).

    `announce(settings, public address, management address)` is called when both ports are bound.
    """
    configure_logs()
    try:
        loaded = load_config(config, environ)
    except ConfigError as error:
        problems = [problem for problem in error.problems if isinstance(problem, Problem)]
        _report(problems)
        return 2 if any(problem.unreadable for problem in problems) else 1
    _report(loaded.warnings)
    return _listen(loaded, config, clock, announce or _announce)


def _report(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print(problem.render(), file=sys.stderr)
    if problems:
        print(summary(problems), file=sys.stderr)


def _listen(loaded: Loaded, config: Path, clock: Clock, announce: Announce) -> int:
    settings = loaded.settings
    try:
        public = bind(settings.server.listen.host, settings.server.listen.port)
        management = bind(settings.server.management.host, settings.server.management.port)
    except ListenError as error:
        why = "is taken by another program" if error.taken else error.why
        print(f"gateway: {error.host}:{error.port} {why}", file=sys.stderr)
        return 2
    announce(settings, address_of(public), address_of(management))
    if settings.server.workers > 1:
        return run_workers(settings, config, public, management)
    gateway = Gateway(settings, make_parts(settings, clock, stdout_writer()))
    return run_single(settings, gateway, public, management)


def _announce(settings: Settings, public: str, management: str) -> None:
    routes = len(settings.table.routes)
    print(
        f"gateway: {routes} routes on http://{public}, health and metrics on http://{management}",
        file=sys.stderr,
    )
