"""`python -m benchmarks`: every figure in one run, on this machine."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from benchmarks import machine
from benchmarks.bed import Bed
from benchmarks.figure import Figure
from benchmarks.figures import bodies, idle, layers, logins, refreshes, revoked, routes, throughput, websockets
from benchmarks.install import need_program
from benchmarks.limits import raise_open_files
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.report import PAGE, markdown, put, write_json

FIGURES: dict[str, Callable[[Bed], Figure]] = {
    "throughput": throughput.measure,
    "routes": routes.measure,
    "revoked": revoked.measure,
    "bodies": bodies.measure,
    "idle": idle.measure,
    "websockets": websockets.measure,
    "refreshes": refreshes.measure,
    "logins": logins.measure,
    "layers": layers.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 all targets met, 1 some were missed."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    raise_open_files()
    need_program("wrk")
    facts = machine.facts()
    plan = QUICK if options.quick else FULL
    names = options.only or list(FIGURES)
    figures, pinning = measure_all(names, plan)
    text = markdown(figures, facts, pinning, plan.rounds)
    print(text)
    say(f"every sample is in {write_json(figures, facts)}")
    if plan is FULL and names == list(FIGURES):
        put(PAGE, "figures", text)
        say(f"{PAGE} is up to date")
    return int(any(verdict.met is False for figure in figures for verdict in figure.verdicts))


def measure_all(names: Sequence[str], plan: Plan) -> tuple[list[Figure], str]:
    """The figures, and how they were pinned. Each has a bed of its own, so that none weighs on the next."""
    figures, pinning = [], ""
    for name in names:
        started = time.monotonic()
        with Bed(plan) as bed:
            pinning = bed.cores.describe()
            figures.append(FIGURES[name](bed))
        say(f"{name}: {time.monotonic() - started:.0f} s")
    return figures, pinning


def say(text: str) -> None:
    """Talk, beside the results."""
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of everything, about a minute")
    parser.add_argument("--only", action="append", choices=list(FIGURES), metavar="NAME", help=", ".join(FIGURES))
    return parser


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
