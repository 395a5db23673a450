"""The end of a process, orderly or not: what runs is finished, what was acknowledged is there afterwards."""

import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.eventually import eventually
from tests.support.postgres_server import PostgresServer
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.redis_server import RedisServer
from tests.support.running_gateway import RunningGateway, bearer


class Slow:
    """A request that takes its time, in a thread."""

    def __init__(self, gateway: RunningGateway, seconds: float) -> None:
        self.url = f"{gateway.url}/public/slow?sleep={seconds}"
        self.answer: httpx2.Response | None = None
        self.thread = threading.Thread(target=self._ask)
        self.thread.start()

    def _ask(self) -> None:
        try:
            self.answer = httpx2.get(self.url, timeout=20, trust_env=False)
        except httpx2.TransportError:
            self.answer = None

    def status(self) -> int | None:
        self.thread.join()
        return None if self.answer is None else self.answer.status_code


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_drains(tmp_path: Path, echo: RawUpstream, workers: int) -> None:
    gateway = RunningGateway(tmp_path, upstream=echo.url, workers=workers).start()
    hits = echo.hits
    slow = Slow(gateway, 1.5)
    eventually(lambda: echo.hits > hits)
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    answer = gateway.probe("/readyz")
    assert (answer.status_code, answer.json()["waiting_for"][0]) == (503, "draining")
    assert time.monotonic() - told < 0.3
    assert slow.status() == 200
    assert slow.answer is not None
    assert slow.answer.headers.get("connection") == "close"
    assert gateway.process.wait(timeout=5) == 0
    gateway.http.close()
    assert "Traceback" not in gateway.talk.read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_the_drain_ends_in_time(tmp_path: Path, echo: RawUpstream, workers: int) -> None:
    gateway = RunningGateway(tmp_path, upstream=echo.url, drain="1s", workers=workers).start()
    hits = echo.hits
    slow = Slow(gateway, 8)
    with RawClient(gateway.port) as idle:
        eventually(lambda: echo.hits > hits)
        begun = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - begun < 4
        assert idle.ended()
    assert slow.status() is None
    gateway.http.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_repeated_signals_are_no_failure(tmp_path: Path, workers: int) -> None:
    gateway = RunningGateway(tmp_path, workers=workers).start()
    assert gateway.process is not None
    while gateway.process.poll() is None:
        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(0.005)
    assert gateway.process.returncode == 0
    gateway.http.close()


def survivors(gateway: RunningGateway) -> dict[str, dict[str, Any]]:
    """Accounts and sessions in every state, all acknowledged."""
    rotated = gateway.refresh(gateway.register("rotated@example.com")["refresh_token"])
    ended = gateway.register("ended@example.com")
    gateway.http.post("/auth/logout", headers=bearer(ended))
    return {"fresh": gateway.register("fresh@example.com"), "rotated": rotated, "ended": ended}


def assert_survived(gateway: RunningGateway, sessions: dict[str, dict[str, Any]]) -> None:
    for name in ("fresh", "rotated"):
        assert gateway.http.get("/auth/me", headers=bearer(sessions[name])).status_code == 200
        renewed = gateway.refresh(sessions[name]["refresh_token"])
        assert renewed["session_id"] == sessions[name]["session_id"]
    assert gateway.http.get("/auth/me", headers=bearer(sessions["ended"])).status_code == 401
    token = sessions["ended"]["refresh_token"]
    assert gateway.http.post("/auth/refresh", json={"refresh_token": token}).status_code == 401
    for name in ("fresh", "rotated", "ended"):
        assert gateway.login(f"{name}@example.com", "password123")["role"] == "user"


def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path).start()
    sessions = survivors(gateway)
    assert gateway.stop(signal.SIGKILL) == -signal.SIGKILL
    assert_survived(gateway.start(), sessions)
    assert gateway.stop() == 0
    gateway.http.close()


def test_a_kill_in_the_middle_of_writing_loses_nothing(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path).start()
    token = gateway.register("writing@example.com")["refresh_token"]
    acknowledged = [token]
    stopped = threading.Event()

    def refresh_on() -> None:
        with httpx2.Client(base_url=gateway.url, trust_env=False) as client:
            while not stopped.is_set():
                try:
                    answer = client.post("/auth/refresh", json={"refresh_token": acknowledged[-1]})
                except httpx2.TransportError:
                    return
                acknowledged.append(answer.json()["body"]["refresh_token"])

    thread = threading.Thread(target=refresh_on)
    thread.start()
    eventually(lambda: len(acknowledged) > 20)
    gateway.stop(signal.SIGKILL)
    stopped.set()
    thread.join()
    gateway.start()
    assert gateway.refresh(acknowledged[-1])["email"] == "writing@example.com"
    assert gateway.stop() == 0
    gateway.http.close()


@pytest.mark.slow
def test_a_restart_of_everything_keeps_sessions(
    tmp_path: Path, own_redis: RedisServer, postgres_server: PostgresServer
) -> None:
    with postgres_server.fresh_database() as database:
        gateway = RunningGateway(tmp_path, store=own_redis.url, database=database).start()
        sessions = survivors(gateway)
        gateway.stop(signal.SIGKILL)
        own_redis.kill()
        postgres_server.restart()
        own_redis.start()
        assert_survived(gateway.start(), sessions)
        assert gateway.stop() == 0
        gateway.http.close()
