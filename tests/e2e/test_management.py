"""The management listener: health, readiness, metrics, and nothing else."""

import httpx2
import pytest

from tests.support.eventually import eventually
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway, bearer


def test_health_and_readiness(gateway: RunningGateway) -> None:
    assert gateway.probe("/healthz").json() == {"status": "ok"}
    assert gateway.probe("/readyz").json() == {"status": "ready", "waiting_for": []}


@pytest.mark.parametrize("path", ["/", "/metrics/", "/auth/me", "/public/x", "/healthz/x"])
def test_nothing_else_is_there(gateway: RunningGateway, echo: RawUpstream, path: str) -> None:
    hits = echo.hits
    assert gateway.probe(path).status_code == 404
    assert echo.hits == hits


def test_only_reading(gateway: RunningGateway) -> None:
    answer = httpx2.post(f"{gateway.management}/readyz", trust_env=False)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert httpx2.head(f"{gateway.management}/metrics", trust_env=False).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_the_public_listener_has_none_of_it(gateway: RunningGateway, path: str) -> None:
    assert gateway.http.get(path).status_code == 404


def test_metrics_count_by_route_reason_and_status(gateway: RunningGateway) -> None:
    def value(series: str) -> float:
        lines = gateway.probe("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))

    refused = 'gateway_requests_total{reason="token-missing",route="admin",status="401"}'
    allowed = 'gateway_requests_total{reason="allowed",route="any",status="200"}'
    before = value(refused), value(allowed), value('gateway_refreshes_total{outcome="rotated"}')
    granted = gateway.register("metrics@example.com")
    gateway.http.get("/admin/x")
    gateway.http.get("/any/x", headers=bearer(granted))
    gateway.refresh(granted["refresh_token"])
    after = value(refused), value(allowed), value('gateway_refreshes_total{outcome="rotated"}')
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 1]
    assert value("gateway_revocation_staleness_seconds") < 2
    eventually(lambda: value("gateway_in_flight") == 0)
