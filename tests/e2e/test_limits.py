"""Rate limits over HTTP: exact across workers and replicas, told to callers, and never a reason to fail."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.reasons import Reason
from tests.support.eventually import eventually
from tests.support.problems import assert_problem
from tests.support.raw_upstream import RawUpstream
from tests.support.redis_server import RedisServer
from tests.support.running_gateway import RunningGateway, bearer, running

LIMITS = """
  - {name: by-address, path: /by-address/**, methods: [GET], access: public, upstream: echo,
     rate_limit: {rate: 40/h, per: ip}}
  - {name: few, path: /few/**, methods: [GET], access: {roles: [admin]}, upstream: echo,
     rate_limit: {rate: 3/h, per: ip}}
  - {name: by-user, path: /by-user/**, access: authenticated, upstream: echo, rate_limit: {rate: 2/h, per: user}}
  - {name: by-route, path: /by-route/**, access: public, upstream: echo, rate_limit: {rate: 2/h, per: route}}
  - {name: quick, path: /quick/**, access: public, upstream: echo, rate_limit: {rate: 2/s, per: ip}}
"""
CLIENTS = 20
EACH = 4


async def storm(urls: list[str], path: str) -> Counter[int]:
    """The statuses that 20 clients get who ask all at once, spread over the gateways."""

    async def ask(number: int) -> list[int]:
        url = urls[number % len(urls)]
        # A connection for each request, so that all workers get some.
        limits = httpx2.Limits(max_keepalive_connections=0)
        async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=30, trust_env=False) as client:
            return [(await client.get(path)).status_code for _ in range(EACH)]

    return Counter(status for each in await asyncio.gather(*map(ask, range(CLIENTS))) for status in each)


@contextmanager
def two_replicas(directory: Path, **settings: Any) -> Iterator[list[RunningGateway]]:
    """Started and stopped side by side."""
    replicas = [RunningGateway(directory / name, **settings).start(wait=False) for name in ("one", "two")]
    try:
        for replica in replicas:
            replica.wait_ready()
        yield replicas
    finally:
        for replica in replicas:
            if replica.process is not None:
                replica.process.terminate()
        codes = [replica.stop() for replica in replicas]
        for replica in replicas:
            replica.http.close()
    assert codes == [0, 0]


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream) -> Iterator[RunningGateway]:
    directory = tmp_path_factory.mktemp("limits")
    trusted = "[127.0.0.1/32]"
    with running(directory, upstream=echo.url, more_routes=LIMITS, trusted=trusted) as started:
        yield started


def of_client(address: str) -> dict[str, str]:
    """As a trusted proxy speaks of its client."""
    return {"X-Forwarded-For": address}


@pytest.mark.parametrize("store", ["redis", "sqlite", "postgresql"])
async def test_two_replicas_of_two_workers_admit_exactly_the_limit(
    tmp_path: Path, echo: RawUpstream, request: pytest.FixtureRequest, store: str
) -> None:
    url: str = request.getfixturevalue(
        {"redis": "redis_url", "sqlite": "sqlite_url", "postgresql": "postgres_url"}[store]
    )
    with two_replicas(tmp_path, upstream=echo.url, more_routes=LIMITS, workers=2, store=url) as replicas:
        statuses = await storm([replica.url for replica in replicas], "/by-address/x")
        assert statuses == {200: 40, 429: CLIENTS * EACH - 40}
        assert replicas[0].http.get("/by-address/x").headers["gateway-reason"] == "rate-limited"


def test_answers_count_down(limited: RunningGateway) -> None:
    client = of_client("203.0.113.1")
    answer = limited.http.get("/by-address/x", headers=client)
    assert answer.status_code == 200
    assert (answer.headers["ratelimit-limit"], answer.headers["ratelimit-remaining"]) == ("40", "39")
    assert answer.headers["ratelimit-reset"] == "3600"
    assert limited.http.get("/by-address/x", headers=client).headers["ratelimit-remaining"] == "38"
    assert "ratelimit-limit" not in limited.http.get("/public/x", headers=client).headers


def test_refusals_come_in_the_order_of_the_contract(limited: RunningGateway) -> None:
    client, user = of_client("203.0.113.2"), bearer(limited.register("limits@example.com"))

    def ask(method: str, path: str, headers: dict[str, str]) -> str:
        answer = limited.http.request(method, path, headers={**client, **headers})
        return answer.headers["gateway-reason"]

    assert ask("GET", "/few%2fx", {}) == "path-ambiguous"
    assert ask("GET", "/nowhere", {}) == "no-route"
    assert ask("POST", "/few/x", {}) == "method-not-allowed"
    assert ask("GET", "/few/x", {}) == "token-missing"
    assert ask("GET", "/few/x", {"Authorization": "Bearer x.y.z"}) == "token-malformed"
    assert ask("GET", "/few/x", user) == "role-missing"
    assert ask("GET", "/few/x", user) == ask("GET", "/few/x", {}) == "rate-limited"
    assert ask("POST", "/few/x", {}) == "method-not-allowed"
    assert ask("GET", "/nowhere", {}) == "no-route"


def test_a_refusal_says_when_to_come_back_and_keeps_its_word(limited: RunningGateway) -> None:
    client = of_client("203.0.113.3")
    for _ in range(2):
        assert limited.http.get("/quick/x", headers=client).status_code == 200
    refused = limited.http.get("/quick/x", headers=client)
    problem = assert_problem(refused, Reason.RATE_LIMITED, "The limit is 2/s for each address; try again in 1 s")
    assert (refused.headers["retry-after"], problem["retry_after"]) == ("1", 1)
    assert refused.headers["ratelimit-remaining"] == "0"
    eventually(lambda: limited.http.get("/quick/x", headers=client).status_code == 200, 1.5)


def test_users_have_their_own_count_after_403(limited: RunningGateway) -> None:
    ann, bob = (bearer(limited.register(f"{name}@limits.example")) for name in ("ann", "bob"))
    answers = [limited.http.get("/by-user/x", headers=ann) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert limited.http.get("/by-user/x", headers=bob).status_code == 200
    denied = limited.http.get("/by-user/x")
    assert_problem(denied, Reason.TOKEN_MISSING)
    assert "ratelimit-limit" not in denied.headers


def test_a_route_has_one_count_for_all(limited: RunningGateway) -> None:
    answers = [limited.http.get("/by-route/x", headers=of_client(f"198.51.100.{n}")) for n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_an_ipv6_network_is_one_client(limited: RunningGateway) -> None:
    answers = [limited.http.get("/few/x", headers=of_client(f"2001:db8::{n}")) for n in range(1, 5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert limited.http.get("/few/x", headers=of_client("2001:db8:0:1::1")).status_code == 401


def test_refused_requests_never_reach_the_upstream(limited: RunningGateway, echo: RawUpstream) -> None:
    client = of_client("203.0.113.4")
    for _ in range(2):
        limited.http.get("/quick/x", headers=client)
    before = echo.hits
    assert limited.http.get("/quick/x", headers=client).status_code == 429
    assert echo.hits == before


@pytest.mark.parametrize("how", ["kill", "pause"])
def test_without_its_store_a_limit_still_holds_in_each_worker(
    tmp_path: Path, echo: RawUpstream, own_redis: RedisServer, how: str
) -> None:
    with running(tmp_path, upstream=echo.url, more_routes=LIMITS, store=own_redis.url) as gateway:
        assert [gateway.http.get("/by-route/x").status_code for _ in range(3)] == [200, 200, 429]
        getattr(own_redis, how)()
        away = [gateway.http.get("/by-route/x") for _ in range(4)]
        assert [answer.status_code for answer in away] == [200, 200, 429, 429]
        assert away[0].elapsed.total_seconds() < 2
        assert away[1].elapsed.total_seconds() < 0.3
        own_redis.resume()
        if how == "kill":
            own_redis.start()
        eventually(lambda: "rate limits are shared again" in told(gateway), 5)
        assert gateway.http.get("/by-route/x").status_code == 429
    assert told(gateway).count("each worker counts rate limits for itself") == 1


def told(gateway: RunningGateway) -> str:
    """What it has said, after one more request for it to find out."""
    if gateway.process is not None and gateway.process.poll() is None:
        gateway.http.get("/by-route/x")
    return gateway.talk.read_text()
