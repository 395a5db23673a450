"""Does a request cost more among ten thousand routes than among ten?"""

from dataclasses import asdict
from typing import Any

from benchmarks.bed import Bed
from benchmarks.figure import Figure, table
from benchmarks.gateway_server import start_gateway
from benchmarks.rounds import ratio
from benchmarks.targets import LEAST_WITH_MANY_ROUTES, at_least
from benchmarks.two_gateways import compare


def measure(bed: Bed) -> Figure:
    """Two gateways, one with `plan.routes` more routes."""
    few, many = start_gateway(bed), start_gateway(bed, {"routes": more_routes(bed.plan.routes)})
    found = compare(bed, {"few": few, "many": many})
    rates = {name: [sample.rate for sample in course.samples] for name, course in found.items()}
    share = ratio(rates["many"], rates["few"])
    rows = [
        ["10", found["few"].rate.text(), f"{found['few'].median('cpu_micros'):.0f} µs"],
        [f"{10 + bed.plan.routes:,}", found["many"].rate.text(), f"{found['many'].median('cpu_micros'):.0f} µs"],
    ]
    verdict = at_least(
        f"requests/s with {bed.plan.routes:,} routes, times those with 10", share, LEAST_WITH_MANY_ROUTES
    )
    data = {name: [asdict(sample) for sample in course.samples] for name, course in found.items()}
    return Figure("routes", "Many routes", table(("routes", "requests/s", "CPU per request"), rows), [verdict], data)


def more_routes(count: int) -> list[dict[str, Any]]:
    """Routes with literals, parameters and tails, beside the one that is asked for."""
    shapes = ("/api/service{}/items/{{id}}", "/api/service{}/**", "/api/orders/{{id}}/part{}", "/service{}/{{id}}/x")
    return [
        {
            "name": f"more{number}",
            "path": shapes[number % len(shapes)].format(number),
            "methods": ["GET", "POST"],
            "access": {"roles": ["admin"]},
            "upstream": "service",
        }
        for number in range(count)
    ]
