"""Requests per second and latency of the gateway and its peers, side by side."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.bed import Bed
from benchmarks.credentials import PATH
from benchmarks.errors import Missing, Unfit
from benchmarks.figure import Figure, mib, table
from benchmarks.gateway_server import start_gateway
from benchmarks.lineup import LINEUP
from benchmarks.load import Load, Sample, run_load
from benchmarks.peer import Peer, RunningPeer, Tokens
from benchmarks.rounds import Course, interleave
from benchmarks.targets import DIRECT, throughput_verdicts

_HEAD = (
    "proxy",
    "requests/s",
    "p50",
    "p99",
    "median, 1 connection",
    "adds",
    "CPU per request",
    "its core",
    "load's cores",
    "memory",
)


@dataclass(frozen=True, slots=True)
class Both:
    """One visit: with many connections and with one."""

    many: Sample
    alone: Sample


def measure(bed: Bed, lineup: Sequence[Peer] = LINEUP) -> Figure:
    """All peers that this machine can have; those it cannot have are named."""
    issuer = start_gateway(bed)
    tokens = issuer.tokens()
    issuer.process.stop()
    running, absent = start_peers(bed, lineup, tokens)
    visits = interleave([DIRECT, *running], bed.plan.rounds, lambda name: _visit(bed, running.get(name), tokens))
    many = {name: Course([visit.many for visit in found]) for name, found in visits.items()}
    alone = {name: Course([visit.alone for visit in found]) for name, found in visits.items()}
    rows = [_row(running.get(name), many[name], alone[name], alone[DIRECT]) for name in visits]
    rows += [
        [f"{peer.label}: not measured, {absent[peer.name]}", *[""] * (len(_HEAD) - 1)]
        for peer in lineup
        if peer.name in absent
    ]
    return Figure(
        "throughput",
        f"{bed.plan.connections} connections, and one",
        f"{table(_HEAD, rows)}\n\nWhile the gateway was measured, others took "
        f"{many['gateway'].median('foreign'):.0%} of its core.",
        throughput_verdicts(many, alone),
        {name: [asdict(visit) for visit in found] for name, found in visits.items()} | {"absent": absent},
    )


def start_peers(bed: Bed, lineup: Sequence[Peer], tokens: Tokens) -> tuple[dict[str, RunningPeer], dict[str, str]]:
    """Start, check and warm each; those that run, and why the others do not."""
    running, absent = {}, {}
    for peer in lineup:
        try:
            process, port = peer.start(bed)
            found = RunningPeer(peer, process, port)
            found.check(tokens)
        except (Missing, Unfit) as error:
            if peer.name == "gateway":
                raise
            absent[peer.name] = str(error).replace("\n", " ").strip()
            continue
        running[peer.name] = found
        # Caches, connections and just-in-time compilers fill before anything counts.
        run_load(Load(found.url, tokens.admin, bed.plan.connections, 1 + bed.plan.seconds), bed.cores)
    return running, absent


def _visit(bed: Bed, peer: RunningPeer | None, tokens: Tokens) -> Both:
    url = f"http://127.0.0.1:{bed.upstream()}{PATH}" if peer is None else peer.url
    process = None if peer is None else peer.process
    many = run_load(Load(url, tokens.admin, bed.plan.connections, bed.plan.seconds), bed.cores, process)
    alone = run_load(Load(url, tokens.admin, 1, bed.plan.seconds_alone), bed.cores, process)
    if process is not None:
        process.trim()
    return Both(many, alone)


def _row(peer: RunningPeer | None, many: Course, alone: Course, direct: Course) -> list[str]:
    label = "the upstream itself, no proxy" if peer is None else peer.peer.label
    if many.failed:
        label += f" ({many.failed} requests failed)"
    cells = [label, many.rate.text(), _ms(many.p50.median), _ms(many.p99.median), _ms(alone.p50.median)]
    if peer is None:
        return [*cells, "", "", "", _share(many.median("load")), ""]
    added = alone.p50.median - direct.p50.median
    own = f"{many.median('cpu_micros'):,.0f} µs"
    return [
        *cells,
        _ms(added),
        own,
        _share(many.median("own")),
        _share(many.median("load")),
        mib(peer.process.memory()),
    ]


def _ms(micros: float) -> str:
    return f"{micros / 1000:,.2f} ms"


def _share(part: float) -> str:
    return f"{part:.0%}"
