"""The product's promises about speed and size, and whether a run kept them."""

from collections.abc import Mapping
from typing import Final

from benchmarks.figure import Verdict, mib
from benchmarks.rounds import Course, ratio
from benchmarks.spread import Spread

DIRECT: Final = "direct"
ADDED_MICROS: Final = 200.0
TIMES: Final = (
    ("haproxy", "HAProxy", 0.4),
    ("fastify", "Fastify", 1.5),
    ("caddy", "Caddy", 1.1),
    ("httpx", "textbook", 25.0),
)
P99_OF_HAPROXY: Final = 3.0
LEAST_WITH_MANY_ROUTES: Final = 0.90
LEAST_WITH_REVOCATIONS: Final = 0.95
REVOCATION_BYTES: Final = 200_000_000
STREAM_BYTES: Final = 16 * 1024 * 1024
REFRESHES: Final = 2_000.0
P99_DURING_LOGINS: Final = 2.0


def at_least(what: str, found: Spread, least: float, form: str = ".2f", unit: str = "×") -> Verdict:
    """Met when the median is not below `least`."""
    return Verdict(what, f"{found.text(form)} {unit}", f"≥ {least:{form}} {unit}", found.median >= least)


def at_most(what: str, found: float, most: float, form: str = ".2f", unit: str = "×") -> Verdict:
    """Met when `found` is not above `most`."""
    return Verdict(what, f"{found:{form}} {unit}", f"≤ {most:{form}} {unit}", found <= most)


def memory_at_most(what: str, found: float, most: float) -> Verdict:
    """As `at_most`, in bytes."""
    return Verdict(what, mib(found), f"≤ {mib(most)}", found <= most)


def unmeasured(what: str, target: str, why: str) -> Verdict:
    """A target that nothing can be said about."""
    return Verdict(what, why, target, None)


def throughput_verdicts(many: Mapping[str, Course], alone: Mapping[str, Course]) -> list[Verdict]:
    """The targets that compare; a peer that is absent leaves its target open."""
    gateway = many["gateway"]
    found = []
    for name, label, least in TIMES:
        what = f"requests/s, times {label}'s"
        if name not in many:
            found.append(unmeasured(what, f"≥ {least:.2f} ×", "not measured"))
            continue
        rates = [[sample.rate for sample in course.samples] for course in (gateway, many[name])]
        found.append(at_least(what, ratio(*rates), least))
    added = (alone["gateway"].p50.median - alone[DIRECT].p50.median) / 1000
    found.append(at_most("added to the median, 1 connection", added, ADDED_MICROS / 1000, unit="ms"))
    if "haproxy" in many:
        tail = gateway.p99.median / many["haproxy"].p99.median
        found.append(at_most("p99, times HAProxy's", tail, P99_OF_HAPROXY))
    return found
