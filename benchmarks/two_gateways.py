"""The same load on two gateways that differ in one thing, in turns."""

from collections.abc import Mapping

from benchmarks.bed import Bed
from benchmarks.credentials import PATH
from benchmarks.gateway_server import GatewayServer
from benchmarks.load import Load, Sample, run_load
from benchmarks.rounds import Course, interleave


def compare(bed: Bed, servers: Mapping[str, GatewayServer]) -> dict[str, Course]:
    """Courses by name; each server is warmed first."""
    tokens = {name: server.tokens().admin for name, server in servers.items()}

    def visit(name: str, seconds: int = bed.plan.seconds) -> Sample:
        server = servers[name]
        load = Load(f"http://127.0.0.1:{server.port}{PATH}", tokens[name], bed.plan.connections, seconds)
        sample = run_load(load, bed.cores, server.process)
        server.process.trim()
        return sample

    for name in servers:
        visit(name, 1)
    found = interleave(list(servers), bed.plan.rounds, visit)
    return {name: Course(samples) for name, samples in found.items()}
