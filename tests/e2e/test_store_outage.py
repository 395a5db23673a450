"""The session store goes away: what needs it says 503, what does not goes on for a while, and all of it comes back."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.reasons import Reason
from tests.support.eventually import eventually
from tests.support.problems import assert_problem
from tests.support.raw_upstream import RawUpstream
from tests.support.redis_server import RedisServer
from tests.support.running_gateway import RunningGateway, bearer, running

# A command gives up after two seconds; then comes the answer.
CLIENT_TIMEOUT = 4.0


@pytest.fixture
def gateway(tmp_path: Path, own_redis: RedisServer, echo: RawUpstream) -> Iterator[RunningGateway]:
    """Believes what it knows of revocations for three seconds."""
    settings = {"store": own_redis.url, "max_staleness": "3s", "upstream": echo.url}
    with running(tmp_path / "gateway", **settings) as started:
        yield started


def assert_unavailable(gateway: RunningGateway, granted: dict[str, Any]) -> None:
    """Everything that needs the store: 503 with Retry-After, in bounded time."""
    login = {"email": "outage@example.com", "password": "password123"}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("refresh", {"json": {"refresh_token": granted["refresh_token"]}}),
        ("login", {"json": login}),
        ("logout", {"json": {"refresh_token": granted["refresh_token"]}}),
        ("register", {"json": {**login, "email": f"new-{time.monotonic()}@example.com", "display_name": "New"}}),
    ]
    for endpoint, body in asked:
        begun = time.monotonic()
        answer = gateway.http.post(f"/auth/{endpoint}", **body)
        problem = assert_problem(answer, Reason.STORE_UNAVAILABLE)
        assert problem["retry_after"] >= 1
        assert "set-cookie" not in answer.headers
        assert time.monotonic() - begun < CLIENT_TIMEOUT


def assert_back(gateway: RunningGateway, granted: dict[str, Any]) -> None:
    """Everything resumes without a restart, and nothing was lost."""
    eventually(lambda: gateway.http.get("/any/x", headers=bearer(granted)).status_code == 200, 5)
    eventually(gateway.ready, 5)
    assert gateway.refresh(granted["refresh_token"])["session_id"] == granted["session_id"]
    again = gateway.login("outage@example.com", "password123")
    gateway.http.post("/auth/logout", headers=bearer(again))
    eventually(lambda: gateway.http.get("/any/x", headers=bearer(again)).status_code == 401, 1)


@pytest.mark.slow
def test_redis_is_killed_and_comes_back(gateway: RunningGateway, own_redis: RedisServer) -> None:
    granted = gateway.register("outage@example.com")
    own_redis.kill()
    gone = time.monotonic()
    assert_unavailable(gateway, granted)
    assert_problem(gateway.http.get("/strict/x", headers=bearer(granted)), Reason.STORE_UNAVAILABLE)
    while time.monotonic() - gone < 2:
        assert gateway.http.get("/any/x", headers=bearer(granted)).status_code == 200
        time.sleep(0.1)
    eventually(lambda: gateway.http.get("/any/x", headers=bearer(granted)).status_code == 503, 4)
    problem = assert_problem(gateway.http.get("/any/x", headers=bearer(granted)), Reason.REVOCATION_STALE)
    assert problem["retry_after"] >= 1
    assert "revocations are stale" in gateway.probe("/readyz").json()["waiting_for"]
    assert gateway.http.get("/public/x").status_code == 200
    assert_problem(gateway.http.get("/any/x"), Reason.TOKEN_MISSING)
    own_redis.start()
    assert_back(gateway, granted)


@pytest.mark.slow
def test_redis_stands_still_and_goes_on(gateway: RunningGateway, own_redis: RedisServer) -> None:
    granted = gateway.register("outage@example.com")
    own_redis.pause()
    assert gateway.http.get("/any/x", headers=bearer(granted)).status_code == 200
    assert_unavailable(gateway, granted)
    eventually(lambda: gateway.http.get("/any/x", headers=bearer(granted)).status_code == 503, 4)
    own_redis.resume()
    assert_back(gateway, granted)


def test_a_password_change_during_an_outage_changes_nothing(gateway: RunningGateway, own_redis: RedisServer) -> None:
    granted = gateway.register("outage@example.com")
    body = {"current": "password123", "new": "another-password"}
    own_redis.kill()
    answer = gateway.http.post("/auth/password", headers=bearer(granted), json=body)
    assert assert_problem(answer, Reason.STORE_UNAVAILABLE)["retry_after"] >= 1
    assert_problem(gateway.http.post("/auth/logout-all", headers=bearer(granted)), Reason.STORE_UNAVAILABLE)
    new = {"email": "new@example.com", "password": "password123", "display_name": "New"}
    assert_problem(gateway.http.post("/auth/register", json=new), Reason.STORE_UNAVAILABLE)
    own_redis.start()
    eventually(lambda: gateway.http.get("/strict/x", headers=bearer(granted)).status_code == 200, 5)
    assert gateway.refresh(granted["refresh_token"])["session_id"] == granted["session_id"]
    gateway.register("new@example.com")
    assert gateway.http.post("/auth/password", headers=bearer(granted), json=body).status_code == 200


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://ann:canary@127.0.0.1:{}/0", "refused the password"),
        ("redis://127.0.0.1:{}/0", "asks for a password"),
        ("redis://:right@127.0.0.1:{}/99", "refuses commands"),
        ("redis://:right@nowhere.invalid:{}/0", "cannot be found: no host is named nowhere.invalid"),
        ("rediss://:right@127.0.0.1:{}/0", "does not answer in TLS in time"),
    ],
    ids=["wrong password", "no password", "no such database", "unknown host", "no TLS"],
)
def test_a_redis_that_is_not_as_configured_is_told_from_one_that_is_away(
    tmp_path: Path, own_redis: RedisServer, url: str, why: str
) -> None:
    own_redis.command("CONFIG SET requirepass right")
    place = url.format(own_redis.port)
    masked = place.replace("ann:canary@", "…@").replace(":right@", "…@")
    gateway = RunningGateway(tmp_path / "gateway", store=place).start(wait=False)
    told = f"gateway: the session store (sessions.store, {masked}) {why}\n   hint  "
    eventually(lambda: told in gateway.talk.read_text(), 15)
    assert "canary" not in gateway.talk.read_text()
    assert gateway.stop() == 0
    gateway.http.close()


def test_a_gateway_starts_without_redis_and_waits_for_it(tmp_path: Path, own_redis: RedisServer) -> None:
    own_redis.kill()
    gateway = RunningGateway(tmp_path / "gateway", store=own_redis.url).start(wait=False)
    place = f"sessions.store, redis://127.0.0.1:{own_redis.port}/0"
    eventually(lambda: f"the session store ({place}) refuses connections" in gateway.talk.read_text(), 10)
    assert not gateway.ready()
    own_redis.start()
    gateway.wait_ready(10)
    assert gateway.register()["role"] == "user"
    assert gateway.stop() == 0
    gateway.http.close()
