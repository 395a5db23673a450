"""Where the time of a proxied request goes."""

from benchmarks.bed import Bed
from benchmarks.credentials import PATH
from benchmarks.figure import Figure, table
from benchmarks.gateway_server import start_gateway
from benchmarks.load import Load, run_load
from benchmarks.profile import EXCHANGE, exchange, layers

_WHOLE = "one request of a loaded worker: its processor time, sockets and all"
_KERNEL = "(of it: in the kernel)"
_WALL = "one request of a loaded worker: time, at {:,.0f} requests/s"


def measure(bed: Bed) -> Figure:
    """Layers in this process, then the whole as wrk sees it."""
    found = layers(bed.directory)
    found[EXCHANGE] = exchange(bed.directory, bed.upstream())
    gateway = start_gateway(bed)
    url = f"http://127.0.0.1:{gateway.port}{PATH}"
    load = Load(url, gateway.tokens().admin, bed.plan.connections, 1 + bed.plan.seconds)
    run_load(load, bed.cores)
    kernel = gateway.process.kernel_seconds()
    sample = run_load(load, bed.cores, gateway.process)
    found[_WHOLE] = sample.cpu_micros
    found[_KERNEL] = (gateway.process.kernel_seconds() - kernel) / (sample.rate * load.seconds) * 1e6
    found[_WALL.format(sample.rate)] = 1e6 / sample.rate
    rows = [[name, f"{micros:,.1f}"] for name, micros in found.items()]
    return Figure("layers", "Where the time goes", table(("layer", "µs"), rows), (), dict(found))
