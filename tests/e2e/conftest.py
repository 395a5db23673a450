"""One gateway in front of one echo upstream for all tests that only ask; others start their own."""

from collections.abc import Iterator

import pytest

from tests.support.echo_upstream import echo_upstream
from tests.support.postgres_server import PostgresServer
from tests.support.raw_upstream import RawUpstream
from tests.support.redis_server import RedisServer
from tests.support.running_gateway import RunningGateway, running


@pytest.fixture(scope="session")
def echo() -> Iterator[RawUpstream]:
    """Answers with what it saw, and counts."""
    with echo_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream) -> Iterator[RunningGateway]:
    """Default settings, everything in one SQLite file."""
    with running(tmp_path_factory.mktemp("gateway"), upstream=echo.url) as started:
        yield started


@pytest.fixture(scope="session", params=["sqlite", "postgresql and redis", "postgresql"])
def any_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream
) -> Iterator[RunningGateway]:
    """A gateway for each combination of stores, with a grace window of one second."""
    directory = tmp_path_factory.mktemp("stores")
    settings = {"upstream": echo.url, "grace": "1s", "max_per_user": 3}
    if request.param == "sqlite":
        with running(directory, **settings) as started:
            yield started
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    with postgres.fresh_database() as database:
        store = database
        if request.param != "postgresql":
            redis: RedisServer = request.getfixturevalue("redis_server")
            store = redis.url.removesuffix("/0") + "/3"
        with running(directory, database=database, store=store, **settings) as started:
            yield started
