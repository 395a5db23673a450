"""What the keys of `upstreams:` become: from the file to real exchanges."""

import importlib.util
from pathlib import Path

import pytest

from gateway.proxy.targets import Targets
from gateway.proxy.transport import UpstreamRequest
from gateway.proxy.upstream import Upstream
from gateway.upstreams import make_upstreams
from tests.support.certificates import self_signed, server_context
from tests.support.configs import loaded, refused
from tests.support.h2_upstream import H2Upstream
from tests.support.raw_upstream import RawUpstream
from tests.support.tls_upstream import TlsUpstream

CONFIG = """\
tokens: {{secret: "${{JWT_SECRET_KEY}}"}}
upstreams:
  svc: {keys}
routes:
  - {{name: svc, path: /**, access: public, upstream: svc}}
"""


def made(keys: str, folder: Path = Path()) -> Upstream:
    return make_upstreams(loaded(CONFIG.format(keys=keys), folder=folder).settings.upstreams)["svc"]


async def exchange(upstream: Upstream, method: str = "GET") -> bytes:
    """The body of one answer, opened and closed around it."""
    await upstream.open()
    try:
        fields = [(b"host", upstream.endpoint.authority)]
        request = UpstreamRequest(method, b"/", fields, None, upstream.response_timeout, upstream.idle_timeout)
        response = await upstream.transport.send(request)
        body = b"".join([piece async for piece in response.chunks()])
        await response.close()
    finally:
        await upstream.close()
    return body


def targets(upstream: Upstream) -> Targets:
    assert isinstance(upstream.transport, Targets)
    return upstream.transport


async def test_one_target_and_nothing_else_said() -> None:
    with RawUpstream() as service:
        upstream = made(f'{{targets: ["{service.url}"]}}')
        assert await exchange(upstream) == b"ok"
    turns = targets(upstream).turns
    assert (turns.limit, turns.queue, turns.patience) == (256, 1024, 2.0)
    assert (upstream.response_timeout, upstream.idle_timeout, upstream.preserve_host) == (30.0, 60.0, False)


async def test_everything_said() -> None:
    with RawUpstream() as service:
        upstream = made(
            f'{{targets: ["http://127.0.0.1:9/base", "{service.url}/base"], balance: round-robin, retries: 1, '
            "timeouts: {connect: 1s, response: 7s, idle: 8s}, connections: 3, queue: 4, preserve_host: true, "
            "health: {path: /health, interval: 60s}, eject: {failures: 2, for: 9s}}"
        )
        assert await exchange(upstream) == b"ok"
        assert b"GET /health HTTP/1.1" in {request.start for request in service.requests}
    assert (upstream.response_timeout, upstream.idle_timeout, upstream.preserve_host) == (7.0, 8.0, True)
    turns = targets(upstream).turns
    assert (turns.limit, turns.queue, turns.patience) == (3, 4, 1.0)


async def test_a_unix_socket(tmp_path: Path) -> None:
    with RawUpstream(path=tmp_path / "s.sock") as service:
        assert await exchange(made(f'{{targets: ["{service.url}"]}}')) == b"ok"


async def test_certificates_stand_beside_the_file(tmp_path: Path) -> None:
    pem = self_signed(tmp_path, "svc.internal")
    own = self_signed(tmp_path, "gateway")
    tls = "{ca: svc.internal.pem, cert: gateway.pem, key: gateway.pem, server_name: svc.internal}"
    with TlsUpstream(server_context(pem, clients=own)) as service:
        keys = f'{{targets: ["https://127.0.0.1:{service.port}"], tls: {tls}}}'
        assert await exchange(made(keys, tmp_path)) == b"ok"
        assert service.names == ["svc.internal"]


async def test_http_2(tmp_path: Path) -> None:
    pem = self_signed(tmp_path, "localhost")
    with H2Upstream() as plain, H2Upstream(context=server_context(pem, protocol="h2")) as secured:
        assert await exchange(made(f'{{targets: ["{plain.url}"], protocol: h2}}')) == b"ok"
        keys = f'{{targets: ["{secured.url}"], protocol: h2, tls: {{ca: localhost.pem}}}}'
        assert await exchange(made(keys, tmp_path)) == b"ok"


def test_http_2_without_its_library_is_told_at_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "h2" else find(name))
    [problem] = refused(CONFIG.format(keys='{targets: ["http://a"], protocol: h2}'))
    assert (problem.line, problem.hint) == (3, 'pip install "gateway[http2]"')


def test_a_certificate_and_the_key_of_another_do_not_fit(tmp_path: Path) -> None:
    one, two = self_signed(tmp_path, "one"), self_signed(tmp_path, "two")
    tls = f"{{cert: {one}, key: {two}}}"
    both = CONFIG.format(keys=f'{{targets: ["https://a"], tls: {tls}}}')
    # Each file holds a certificate and its key; what is named `key` is the key of the other.
    [problem] = refused(both, folder=tmp_path)
    assert problem.line == 3
    assert "`cert` and `key`" in problem.message
