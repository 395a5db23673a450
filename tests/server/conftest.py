"""A gateway with short deadlines and small limits, spoken to in bytes."""

from collections.abc import Iterator

import pytest

from tests.server.h2_upstream import BigUpstream
from tests.support.echo_upstream import echo_upstream
from tests.support.h2_client import H2Client
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


@pytest.fixture(scope="session")
def big() -> Iterator[BigUpstream]:
    """Answers with eight megabytes."""
    with BigUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream, big: BigUpstream) -> Iterator[RunningGateway]:
    """As `gateway`, and speaks HTTP/2 too; `/big/**` leads to the upstream above."""
    route = "  - {name: big, path: /big/**, access: public, upstream: big, body_limit: 100MiB}\n"
    limits = LIMITS.replace("}", ", connections_per_address: 50}")
    directory = tmp_path_factory.mktemp("http2")
    gateway = RunningGateway(directory, upstream=echo.url, limits=limits, timeouts=TIMEOUTS, more_routes=route)
    text = gateway.config.read_text().replace("server:\n", "server:\n  http2: true\n", 1)
    gateway.config.write_text(text.replace("routes:\n", f'  big: {{targets: ["{big.url}"]}}\nroutes:\n', 1))
    try:
        yield gateway.start()
    finally:
        code = gateway.stop()
        gateway.http.close()
    assert code == 0
    assert "Traceback" not in gateway.talk.read_text()


@pytest.fixture
def h2(both: RunningGateway) -> Iterator[H2Client]:
    """An HTTP/2 connection of its own."""
    with H2Client(both.port) as connection:
        yield connection
