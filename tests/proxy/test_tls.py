"""TLS to upstreams: verified always, with the right name, whatever the environment says."""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from gateway.proxy.tls import H2, upstream_context
from tests.proxy.harness import forwarding_to
from tests.support.certificates import self_signed, server_context
from tests.support.raw_client import get
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, RawUpstream
from tests.support.tls_upstream import TlsUpstream


def refused(answer: RawMessage) -> bool:
    """As unreachable, and without a word of why."""
    assert b"certificate" not in answer.body.lower()
    return (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-unreachable")


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return self_signed(tmp_path, "localhost")


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_a_certificate_that_is_trusted_for_the_name_is_good(
    pem: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    transport = {"ssl_context": upstream_context(ca=str(pem))}
    with (
        TlsUpstream(server_context(pem)) as upstream,
        forwarding_to(upstream.url, transport=transport, loop_factory=loop) as gateway,
    ):
        assert [get(gateway.port).body for _ in range(3)] == [b"ok"] * 3
        assert upstream.requests[0].one(b"host") == f"localhost:{upstream.port}".encode()
        assert len(upstream.peers) == 1
        assert upstream.names == ["localhost"]


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
@pytest.mark.parametrize("case", ["self-signed", "wrong name", "wrong name configured", "expired", "address"])
def test_any_other_certificate_is_refused(
    tmp_path: Path, pem: Path, case: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    shown = {
        "wrong name": lambda: self_signed(tmp_path, "other.test"),
        "expired": lambda: self_signed(tmp_path, "localhost", expired=True),
    }.get(case, lambda: pem)()
    context = upstream_context() if case == "self-signed" else upstream_context(ca=str(shown))
    server_name = "other.test" if case == "wrong name configured" else None
    with TlsUpstream(server_context(shown)) as upstream:
        url = f"https://127.0.0.1:{upstream.port}" if case == "address" else upstream.url
        transport = {"ssl_context": context, "server_name": server_name}
        with forwarding_to(url, transport=transport, loop_factory=loop) as gateway:
            assert refused(get(gateway.port))
            assert refused(get(gateway.port))
        assert upstream.hits == 0


def test_a_server_name_stands_in_for_the_host(tmp_path: Path) -> None:
    other = self_signed(tmp_path, "orders.internal")
    transport = {"ssl_context": upstream_context(ca=str(other)), "server_name": "orders.internal"}
    with (
        TlsUpstream(server_context(other)) as upstream,
        forwarding_to(f"https://127.0.0.1:{upstream.port}", transport=transport) as gateway,
    ):
        assert get(gateway.port).status == 200
        assert upstream.names == ["orders.internal"]
        assert upstream.requests[0].one(b"host") == f"127.0.0.1:{upstream.port}".encode()


def test_the_gateway_shows_its_own_certificate_where_one_is_configured(tmp_path: Path, pem: Path) -> None:
    own = str(self_signed(tmp_path, "gateway"))
    with TlsUpstream(server_context(pem, clients=Path(own))) as upstream:
        known = upstream_context(ca=str(pem), cert=own, key=own)
        with forwarding_to(upstream.url, transport={"ssl_context": known}) as gateway:
            assert get(gateway.port).status == 200
        with forwarding_to(upstream.url, transport={"ssl_context": upstream_context(ca=str(pem))}) as gateway:
            assert get(gateway.port).status == 502
        assert upstream.hits == 1


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_environment_makes_nobody_trusted(pem: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, str(pem if variable == "SSL_CERT_FILE" else pem.parent))
    with TlsUpstream(server_context(pem)) as upstream, forwarding_to(upstream.url) as gateway:
        assert refused(get(gateway.port))


def test_the_systems_authorities_are_trusted() -> None:
    paths = ssl.get_default_verify_paths()
    if not Path(paths.openssl_cafile).exists():
        assert upstream_context().cert_store_stats()["x509_ca"] == 0
    else:
        assert upstream_context().cert_store_stats()["x509_ca"] > 10


def test_nothing_older_than_tls_1_2_is_spoken() -> None:
    for context in (upstream_context(), upstream_context(protocol=H2)):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def half_a_record(peer: Peer) -> None:
    peer.send(b"\x16\x03\x03\x00\x7a\x02")
    peer.gone()


BROKEN: dict[str, Callable[[Peer], None]] = {
    "plain HTTP": lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "closed in the handshake": lambda peer: peer.close(),
    "reset in the handshake": lambda peer: peer.reset(),
    "half a record": half_a_record,
}


@pytest.mark.parametrize("how", list(BROKEN.values()), ids=list(BROKEN))
def test_a_handshake_that_comes_to_nothing_is_unreachable_in_time(how: Callable[[Peer], None]) -> None:
    def script(peer: Peer) -> None:
        peer.sock.recv(100)
        how(peer)

    with (
        RawUpstream(script) as upstream,
        forwarding_to(f"https://127.0.0.1:{upstream.port}", transport={"connect_timeout": 0.3}) as gateway,
    ):
        started = time.monotonic()
        assert refused(get(gateway.port))
        assert time.monotonic() - started < 1
