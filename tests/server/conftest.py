"""A gateway with short deadlines and small limits, spoken to in bytes."""

from collections.abc import Iterator

import pytest

from tests.support.echo_upstream import echo_upstream
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway, running

LIMITS = "{headers: 4KiB, header_count: 40, target: 1KiB, body: 64KiB}"
TIMEOUTS = "{header: 1s, body: 1s, idle: 2s}"


@pytest.fixture(scope="session")
def echo() -> Iterator[RawUpstream]:
    """Answers with what it saw, and counts."""
    with echo_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream) -> Iterator[RunningGateway]:
    """Head and body within a second, idle connections for two, 4 KiB of headers, 64 KiB of body."""
    directory = tmp_path_factory.mktemp("server")
    with running(directory, upstream=echo.url, limits=LIMITS, timeouts=TIMEOUTS) as started:
        yield started


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[RawClient]:
    """A connection of its own."""
    with RawClient(gateway.port) as connection:
        yield connection
