"""Mixed traffic for a while leaves memory, file descriptors and connections where they were.

`make soak` runs it for five minutes; the suite for twenty seconds.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.soak.traffic import Traffic
from tests.soak.upstream import serve
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.running_gateway import RunningGateway, running

SECONDS = float(os.environ.get("SOAK_SECONDS", "20"))
WEBSOCKETS = "  - {name: ws, path: /ws/**, access: authenticated, upstream: echo, websocket: true}\n"


@dataclass(frozen=True)
class Held:
    """What a process holds: resident MiB, open file descriptors."""

    memory: float
    descriptors: int


def held_by(gateway: RunningGateway) -> Held:
    assert gateway.process is not None
    proc = Path(f"/proc/{gateway.process.pid}")
    pages = int((proc / "statm").read_text().split()[1])
    return Held(pages * 4096 / 2**20, len(list((proc / "fd").iterdir())))


def gauge(gateway: RunningGateway, name: str) -> float:
    for line in gateway.probe("/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no {name}")


@pytest.fixture
def upstream() -> Iterator[str]:
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    process.start()
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx2.get(url, trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    eventually(answers, 20)
    yield url
    process.terminate()
    process.join()


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
async def test_mixed_traffic_leaves_nothing_behind(
    tmp_path: Path, upstream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, upstream=upstream, more_routes=WEBSOCKETS) as gateway:
        token = gateway.register("soak@example.com")["access_token"]
        traffic = Traffic(gateway.url, token)
        await traffic.run(SECONDS / 4)
        before = held_by(gateway)
        await traffic.run(SECONDS * 3 / 4)
        await traffic.close()
        # Kept upstream connections are closed after four idle seconds.
        time.sleep(6)  # noqa: ASYNC251 (nothing else is to happen)
        after = held_by(gateway)
        with capsys.disabled():
            print(f"\nsoak: {SECONDS:.0f} s, visits {dict(traffic.visits)}, {before} -> {after}")
        assert traffic.unexpected == {}
        assert all(traffic.visits[kind] for kind in ("json", "upload", "denied", "departure", "events", "websocket"))
        assert gauge(gateway, "gateway_in_flight") == 0
        assert gauge(gateway, "gateway_websockets") == 0
        assert after.descriptors <= before.descriptors
        # What the first minutes fill: caches, thread stacks, the allocator's free lists.
        assert after.memory - before.memory < 16
