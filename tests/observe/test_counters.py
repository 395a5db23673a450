"""Counting in one worker, adding up over workers, and the Prometheus text that comes of it."""

import json
import math
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway import __version__
from gateway.observe import counters as counters_module
from gateway.observe.counters import Counters
from gateway.observe.exposition import render
from gateway.observe.histogram import BOUNDS, Histogram
from gateway.observe.merge import merge


def travelled(counters: Counters) -> dict[str, Any]:
    """A snapshot as it arrives at the supervisor: through strict JSON."""
    snapshot: dict[str, Any] = json.loads(json.dumps(counters.snapshot(), allow_nan=False))
    return snapshot


def samples(*counters: Counters) -> dict[tuple[str, ...], float]:
    """Every sample of the rendered text, by name and label values (in the order of the label names)."""
    text = render([travelled(each) for each in counters]).decode()
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_reason_and_status() -> None:
    counters = Counters()
    counters.observe_request("orders", "allowed", 200, 0.01)
    counters.observe_request("orders", "allowed", 200, 0.01)
    counters.observe_request("orders", "token-missing", 401, 0.01)
    found = samples(counters)
    assert found["gateway_requests_total", "allowed", "orders", "200"] == 2
    assert found["gateway_requests_total", "token-missing", "orders", "401"] == 1


@pytest.mark.parametrize(("route", "kind"), [("auth", "auth"), ("orders", "proxied"), ("-", "proxied")])
def test_durations_are_kept_apart_for_own_endpoints(route: str, kind: str) -> None:
    counters = Counters()
    counters.observe_request(route, "allowed", 200, 0.3)
    found = samples(counters)
    other = "auth" if kind == "proxied" else "proxied"
    assert found["gateway_request_seconds_count", kind] == 1
    assert found["gateway_request_seconds_count", other] == 0
    assert found["gateway_request_seconds_sum", kind] == pytest.approx(0.3)


def test_buckets_are_cumulative_and_their_bounds_inclusive() -> None:
    counters = Counters()
    for seconds in (0.001, 0.0011, 0.05, 31.0):
        counters.observe_upstream("orders", seconds)
    found = samples(counters)
    by_bound = [found["gateway_upstream_seconds_bucket", str(bound), "orders"] for bound in BOUNDS]
    assert by_bound == sorted(by_bound)
    assert (by_bound[0], by_bound[1], by_bound[-1]) == (1, 2, 3)
    assert found["gateway_upstream_seconds_bucket", "+Inf", "orders"] == 4
    assert found["gateway_upstream_seconds_count", "orders"] == 4


def test_every_duration_lands_in_exactly_one_bucket() -> None:
    histogram = Histogram()
    for bound in BOUNDS:
        histogram.observe(bound)
    assert histogram.counts == [1] * len(BOUNDS) + [0]


def test_refreshes_logins_and_endings_are_counted() -> None:
    counters = Counters()
    for outcome in ("rotated", "rotated", "replayed"):
        counters.observe_refresh(outcome)
    for event in (
        "login",
        "login-failed",
        "login-failed",
        "registered",
        "logout",
        "refresh-reused",
        "role-changed",
    ):
        counters.observe_event(event)
    found = samples(counters)
    assert found["gateway_refreshes_total", "rotated"] == 2
    assert found["gateway_refreshes_total", "replayed"] == 1
    assert found["gateway_logins_total", "granted"] == 1
    assert found["gateway_logins_total", "refused"] == 2
    assert found["gateway_logins_total", "registered"] == 1
    endings = {key[1]: value for key, value in found.items() if key[0] == "gateway_sessions_ended_total"}
    assert endings == {"logout": 1, "refresh-reused": 1}


def test_gauges_are_asked_at_each_snapshot() -> None:
    state = {"staleness": 1.5, "entries": 7}
    counters = Counters(staleness=lambda: state["staleness"], revocations=lambda: int(state["entries"]))
    assert samples(counters)["gateway_revocation_staleness_seconds",] == 1.5
    state["staleness"] = 2.5
    assert samples(counters)["gateway_revocation_staleness_seconds",] == 2.5
    assert samples(counters)["gateway_revocation_entries",] == 7


def test_workers_add_up_and_the_stalest_one_counts() -> None:
    first = Counters(staleness=lambda: 0.2, revocations=lambda: 5, dropped_lines=lambda: 1)
    second = Counters(staleness=lambda: 9.0, revocations=lambda: 4, dropped_lines=lambda: 2)
    for counters in (first, second):
        counters.in_flight += 3
        counters.observe_request("orders", "allowed", 200, 0.25)
        counters.observe_upstream("orders", 0.2)
        counters.observe_event("login")
    found = samples(first, second)
    assert found["gateway_requests_total", "allowed", "orders", "200"] == 2
    assert found["gateway_request_seconds_sum", "proxied"] == 0.5
    assert found["gateway_upstream_seconds_count", "orders"] == 2
    assert found["gateway_logins_total", "granted"] == 2
    assert found["gateway_in_flight",] == 6
    assert found["gateway_revocation_staleness_seconds",] == 9.0
    assert found["gateway_revocation_entries",] == 5
    assert found["gateway_log_lines_dropped_total",] == 3
    assert found["gateway_workers",] == 2
    assert found["gateway_build_info", __version__] == 1


def test_a_worker_that_never_heard_of_revocations_is_infinitely_stale() -> None:
    assert (
        samples(Counters(), Counters(staleness=lambda: math.inf))["gateway_revocation_staleness_seconds",] == math.inf
    )


def test_no_worker_gives_a_page_all_the_same() -> None:
    assert samples()["gateway_workers",] == 0
    assert merge([]).revocation_staleness == 0.0


def test_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters_module, "MOST_SERIES", 2)
    monkeypatch.setattr(counters_module, "MOST_UPSTREAMS", 1)
    counters = Counters()
    for number in range(5):
        counters.observe_request(f"route-{number}", "allowed", 200, 0.01)
        counters.observe_upstream(f"upstream-{number}", 0.01)
    snapshot = travelled(counters)
    assert sorted(snapshot["requests"]) == [
        ["-", "allowed", 200, 3],
        ["route-0", "allowed", 200, 1],
        ["route-1", "allowed", 200, 1],
    ]
    assert set(snapshot["upstream_seconds"]) == {"upstream-0", "-"}


def test_names_that_need_escaping_come_back_as_they_were() -> None:
    counters = Counters()
    counters.observe_request('a "route"\\with\nlines é', "allowed", 200, 0.01)
    assert samples(counters)["gateway_requests_total", "allowed", 'a "route"\\with\nlines é', "200"] == 1
