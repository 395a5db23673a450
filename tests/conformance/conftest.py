"""One gateway, in an environment full of traps, in front of as many scripted upstreams as there are tests."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conformance.stage import (
    PATIENCE,
    STAGES,
    Granted,
    Stage,
    Stages,
    settings,
    surroundings,
    with_upstreams,
)
from tests.conformance.strict_gateway import StrictGateway, strict_gateway
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway

_SPECIAL = """\
  nobody: {{targets: ["http://127.0.0.1:9"]}}
  nameless: {{targets: ["http://gateway-test.invalid:80"], timeouts: {{connect: 1s}}}}
  deaf: {{targets: ["http://127.0.0.1:{deaf}"], timeouts: {{connect: 1s}}}}
  itself: {{targets: ["http://127.0.0.1:{port}"]}}
"""
_SPECIAL_ROUTES = """\
  - {name: nobody, path: /nobody/**, access: public, upstream: nobody}
  - {name: nameless, path: /nameless/**, access: public, upstream: nameless}
  - {name: deaf, path: /deaf/**, access: public, upstream: deaf}
  - {name: loop, path: /loop/**, access: public, upstream: itself}
  - {name: rated, path: /rated/**, access: public, upstream: nobody, rate_limit: {rate: 1/h, per: route}}
  - {name: admin-socket, path: /admin-socket/**, access: {roles: [admin]}, upstream: nobody, websocket: true}
  - {name: svc, path: /svc/**, access: public, upstream: nobody}
  - {name: svc-admin, path: /svc/admin/**, access: {roles: [admin]}, upstream: nobody}
"""
# Hundreds of ports are held, and hundreds of clients come at once.
_FILES = 4096


@pytest.fixture(scope="session")
def trap() -> Iterator[RawUpstream]:
    """Where the proxies are that the environment names: nobody may ever come by."""
    with RawUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def deaf() -> Iterator[int]:
    """A port whose queue is full: who connects there hears nothing, as from an address without a way to it."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture(scope="session")
def upstreams() -> Iterator[list[RawUpstream]]:
    """They hold their ports from the start, and answer when a test brings one to life."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, enough), hard))
    with ExitStack() as stack:
        yield [stack.push(RawUpstream(timeout=PATIENCE)) for _ in range(STAGES)]


@pytest.fixture(scope="session")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, upstreams: list[RawUpstream], trap: RawUpstream, deaf: int
) -> Iterator[RunningGateway]:
    """Default settings but for the upstreams."""
    services, routes = settings(upstreams)
    started = RunningGateway(tmp_path_factory.mktemp("conformance"), more_routes=_SPECIAL_ROUTES + routes)
    with_upstreams(started, _SPECIAL.format(port=started.port, deaf=deaf) + services)
    try:
        yield started.start(environ=surroundings(trap))
    finally:
        code = started.stop()
        started.http.close()
    assert code == 0
    assert "Traceback" not in started.talk.read_text()


@pytest.fixture(scope="session")
def all_stages(gateway: RunningGateway, upstreams: list[RawUpstream]) -> Stages:
    """Where the tests get theirs from."""
    return Stages(gateway, upstreams)


@pytest.fixture
def stage(all_stages: Stages) -> Iterator[Stage]:
    """One for this test alone."""
    with all_stages.one() as taken:
        yield taken


@pytest.fixture(scope="session")
def alice(gateway: RunningGateway) -> Granted:
    return gateway.register("alice@example.com")


@pytest.fixture(scope="session")
def bob(gateway: RunningGateway) -> Granted:
    return gateway.register("bob@example.com")


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictGateway]:
    """With short deadlines and unusual upstreams."""
    with strict_gateway(tmp_path_factory.mktemp("strict")) as started:
        yield started
