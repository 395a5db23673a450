"""Does a request cost more when a million sessions have been revoked, and what do they cost in memory?"""

import sqlite3
import time
import uuid
from dataclasses import asdict
from pathlib import Path

from benchmarks.bed import Bed
from benchmarks.figure import Figure, mib, table
from benchmarks.gateway_server import GatewayServer, start_gateway
from benchmarks.rounds import ratio
from benchmarks.targets import LEAST_WITH_REVOCATIONS, REVOCATION_BYTES, at_least, memory_at_most
from benchmarks.two_gateways import compare
from gateway.clock import SystemClock

_LIFETIME = 3600
_PATIENCE = 300.0


def measure(bed: Bed) -> Figure:
    """Two gateways; one hears of `plan.revoked` ended sessions through its session store while it runs."""
    none, many = start_gateway(bed), start_gateway(bed)
    servers = {"none": none, "many": many}
    compare(bed, servers)
    before = many.process.memory()
    revoke(many.directory / "gateway.db", bed.plan.revoked, int(SystemClock().now()) + _LIFETIME)
    heard_in = _wait_until_heard(many, bed.plan.revoked)
    found = compare(bed, servers)
    grown = many.process.memory() - before
    rates = {name: [sample.rate for sample in course.samples] for name, course in found.items()}
    rows = [
        ["0", found["none"].rate.text(), mib(none.process.memory())],
        [f"{bed.plan.revoked:,}", found["many"].rate.text(), mib(many.process.memory())],
    ]
    verdicts = [
        at_least(
            f"requests/s with {bed.plan.revoked:,} revoked sessions, times those with none",
            ratio(rates["many"], rates["none"]),
            LEAST_WITH_REVOCATIONS,
        ),
        memory_at_most(f"memory for {bed.plan.revoked:,} revoked sessions", grown, REVOCATION_BYTES),
    ]
    text = table(("revoked sessions", "requests/s", "memory"), rows)
    text += f"\n\nThe worker took them in, through its session store, in {heard_in:,.0f} s while it served."
    data = {name: [asdict(sample) for sample in course.samples] for name, course in found.items()}
    return Figure("revoked", "Revoked sessions", text, verdicts, {**data, "grown": grown, "heard_in": heard_in})


def revoke(database: Path, count: int, expires_at: int) -> None:
    """Put `count` ended sessions into the event table of the SQL session store, as logouts would.

    The gateway reads them on its ordinary way (`RevocationFeed`); only the million logouts are spared.
    """
    rows = (("session-ended", str(uuid.uuid4()), "logout", expires_at) for _ in range(count))
    connection = sqlite3.connect(database, timeout=60)
    try:
        with connection:
            connection.executemany(
                "INSERT INTO session_events (kind, ref, value, expires_at_s) VALUES (?, ?, ?, ?)", rows
            )
    finally:
        connection.close()


def _wait_until_heard(server: GatewayServer, count: int) -> float:
    started = time.monotonic()
    while server.gauge("gateway_revocation_entries") < count:
        if time.monotonic() - started > _PATIENCE:
            raise TimeoutError(f"{count} revocations were not heard of in {_PATIENCE:.0f} seconds")
        time.sleep(0.25)
    return time.monotonic() - started
