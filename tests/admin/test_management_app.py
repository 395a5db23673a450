"""The management application, spoken to in ASGI."""

import json

import pytest

from gateway.admin.management import ManagementApp
from gateway.admin.report import LocalFleet, WorkerReport
from gateway.asgi import Message
from gateway.observe.counters import Counters


async def ask(app: ManagementApp, path: str, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": method, "path": path}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def managed(*waits: str, phase: str | None = None) -> ManagementApp:
    return ManagementApp(LocalFleet(lambda: WorkerReport(1, waits, Counters().snapshot()), lambda: phase))


@pytest.mark.parametrize(
    ("app", "status", "waits"),
    [
        (managed(), 200, []),
        (managed("revocations are stale"), 503, ["revocations are stale"]),
        (managed(phase="starting"), 503, ["starting"]),
        (managed("x", phase="draining"), 503, ["draining", "x"]),
    ],
)
async def test_readiness(app: ManagementApp, status: int, waits: list[str]) -> None:
    answered, headers, body = await ask(app, "/readyz")
    assert answered == status
    assert json.loads(body)["waiting_for"] == waits
    assert headers[b"cache-control"] == b"no-store"


async def test_health_does_not_depend_on_readiness() -> None:
    assert (await ask(managed("x", phase="draining"), "/healthz"))[0] == 200


async def test_metrics_are_prometheus_text() -> None:
    status, headers, body = await ask(managed(), "/metrics")
    assert status == 200
    assert headers[b"content-type"].startswith(b"text/plain; version=0.0.4")
    assert b"\ngateway_workers 1.0\n" in body


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "CONNECT"])
async def test_other_methods(method: str) -> None:
    status, headers, _ = await ask(managed(), "/healthz", method)
    assert (status, headers[b"allow"]) == (405, b"GET, HEAD")
