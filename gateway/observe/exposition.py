"""Merged counters as Prometheus text, with the client library's own metric families and writer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway import __version__
from gateway.observe.histogram import BOUNDS
from gateway.observe.merge import Durations, Snapshot, Totals, merge

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_LE: Final = (*(str(bound) for bound in BOUNDS), "+Inf")


def render(snapshots: Sequence[Snapshot], past: Sequence[Snapshot] = ()) -> bytes:
    """The text of `/metrics` for workers with these counter snapshots, and `past` ones that count no more but
    have counted: a counter never goes back."""
    totals = merge([*snapshots, *(merge([each]).counted() for each in past)])
    registry = CollectorRegistry()
    registry.register(_Totals(replace(totals, workers=len(snapshots))))
    return generate_latest(registry)


class _Totals(Collector):
    def __init__(self, totals: Totals) -> None:
        self._totals = totals

    def collect(self) -> Iterable[Metric]:
        totals = self._totals
        yield _requests(totals.requests)
        yield _histogram("gateway_request_seconds", "Time from request to answer.", "kind", totals.request_seconds)
        yield _histogram("gateway_upstream_seconds", "Time to first byte.", "upstream", totals.upstream_seconds)
        yield _counter("gateway_refreshes", "Refreshes by outcome.", "outcome", totals.refreshes)
        yield _counter("gateway_logins", "Logins and registrations.", "outcome", totals.logins)
        yield _counter("gateway_sessions_ended", "What ended sessions.", "why", totals.sessions_ended)
        yield _counter("gateway_connections_cut", "WebSockets and streams cut.", "reason", totals.connections_cut)
        yield GaugeMetricFamily("gateway_in_flight", "Requests being served.", totals.in_flight)
        yield GaugeMetricFamily("gateway_websockets", "Open WebSockets.", totals.websockets)
        yield GaugeMetricFamily(
            "gateway_revocation_staleness_seconds",
            "Age of the oldest worker's view of revocations.",
            totals.revocation_staleness,
        )
        yield GaugeMetricFamily(
            "gateway_revocation_entries", "Revocations a worker knows of.", totals.revocation_entries
        )
        yield CounterMetricFamily(
            "gateway_log_lines_dropped", "Log lines that could not be written.", totals.dropped_lines
        )
        yield GaugeMetricFamily("gateway_workers", "Workers that answered.", totals.workers)
        yield _build_info()


def _requests(counts: Mapping[tuple[str, str, int], int]) -> Metric:
    family = CounterMetricFamily("gateway_requests", "Finished requests.", labels=("route", "reason", "status"))
    for (route, reason, status), count in sorted(counts.items()):
        family.add_metric((route, reason, str(status)), count)
    return family


def _counter(name: str, documentation: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=(label,))
    for value, count in sorted(counts.items()):
        family.add_metric((value,), count)
    return family


def _histogram(name: str, documentation: str, label: str, durations: Mapping[str, Durations]) -> Metric:
    family = HistogramMetricFamily(name, documentation, labels=(label,))
    for value, each in sorted(durations.items()):
        buckets = list(zip(_LE, accumulate(each.counts), strict=True))
        family.add_metric((value,), buckets, each.total)
    return family


def _build_info() -> Metric:
    family = GaugeMetricFamily("gateway_build_info", "The version that runs.", labels=("version",))
    family.add_metric((__version__,), 1)
    return family
