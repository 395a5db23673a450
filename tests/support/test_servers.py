"""The test servers themselves: what other tests rely on."""

import pytest
from redis.asyncio import Redis
from sqlalchemy.exc import ProgrammingError

from tests.support.missing import missing
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer


async def test_redis_url_is_an_empty_database_that_never_evicts(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("left", "over")
        assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"


async def test_redis_url_is_emptied_between_tests(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.get("left") is None


def test_acknowledged_writes_survive_a_kill(own_redis: RedisServer) -> None:
    assert own_redis.command("SET kept 1") == b"+OK"
    own_redis.kill()
    with pytest.raises(ConnectionRefusedError):
        own_redis.command("PING")
    own_redis.start()
    assert own_redis.command("EXISTS kept") == b":1"


def test_a_paused_server_answers_nothing_until_it_resumes(own_redis: RedisServer) -> None:
    own_redis.pause()
    with pytest.raises(TimeoutError):
        own_redis.command("PING", timeout=0.2)
    own_redis.resume()
    assert own_redis.command("PING") == b"+PONG"


def test_databases_are_fresh_and_apart(postgres_server: PostgresServer, postgres_url: str) -> None:
    postgres_server.execute("CREATE TABLE here (n int)", postgres_url.rpartition("/")[2])
    with postgres_server.fresh_database() as other_url, pytest.raises(ProgrammingError):
        postgres_server.execute("SELECT n FROM here", other_url.rpartition("/")[2])


def test_what_is_missing_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Frobnicator not found"):
        missing("Frobnicator not found")


def test_what_is_missing_is_skipped_by_name_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Frobnicator not found"):
        missing("Frobnicator not found")
