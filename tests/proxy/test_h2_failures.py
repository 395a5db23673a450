"""HTTP/2 upstreams that refuse, break off, reset or are not there."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.proxy.tls import H1, H2, upstream_context
from tests.proxy.harness import ForwardServer, forwarding_to
from tests.support.certificates import self_signed, server_context
from tests.support.eventually import eventually
from tests.support.h2_upstream import H2Request, H2Upstream
from tests.support.ports import free_port
from tests.support.raw_client import RawClient, ask, get
from tests.support.raw_upstream import RawUpstream

SPEAKING: dict[str, Any] = {"h2": True}


def connections(gateway: ForwardServer) -> int:
    return gateway.transport.status().targets[0].connections


def goaway(request: H2Request) -> None:
    """The first connection answers one request, and turns the second away unseen."""
    if request.peer.peer.number == 0 and request.stream_id > 1:
        request.peer.h2.close_connection(last_stream_id=1)
        request.peer.flush()
    else:
        request.answer()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_the_upstream_says_it_has_not_seen_is_sent_again(method: str) -> None:
    with H2Upstream(goaway) as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        assert get(gateway.port).status == 200
        assert ask(gateway.port, f"{method} / HTTP/1.1\r\nHost: h\r\n\r\n".encode()).status == 200
        assert len(upstream.peers) == 2


def test_a_connection_that_was_closed_is_replaced() -> None:
    with H2Upstream() as upstream, forwarding_to(upstream.url, transport=SPEAKING) as gateway:
        assert get(gateway.port).status == 200
        upstream.peers[0].close()
        eventually(lambda: get(gateway.port).status == 200 and len(upstream.peers) == 2)


def test_an_idle_connection_is_closed_in_its_time() -> None:
    transport = {"h2": True, "keepalive": 0.1}
    with H2Upstream() as upstream, forwarding_to(upstream.url, transport=transport) as gateway:
        assert get(gateway.port).status == 200
        eventually(lambda: upstream.peers[0].ended)
        assert get(gateway.port).status == 200
        assert connections(gateway) == 1


def reset(request: H2Request) -> None:
    request.peer.h2.reset_stream(request.stream_id, 2)
    request.peer.flush()


BAD: dict[str, Callable[[H2Request], None]] = {
    "line break in a value": lambda request: request.head((b"x-a", b"1\r\nset-cookie: a=b"), end=True),
    "control in a value": lambda request: request.head((b"x-a", b"1\x01"), end=True),
    "no name": lambda request: request.head((b"x a", b"1"), end=True),
    "connection field": lambda request: request.head((b"transfer-encoding", b"chunked"), end=True),
    "status in letters": lambda request: request.head(status=b"two", end=True),
    "reset": reset,
    "closed": lambda request: request.peer.peer.close(),
}


@pytest.mark.parametrize("bad", list(BAD.values()), ids=list(BAD))
def test_no_valid_answer_is_invalid_and_the_next_request_is_served(bad: Callable[[H2Request], None]) -> None:
    def respond(request: H2Request) -> None:
        request.answer() if request.one(b":path") == b"/good" else bad(request)

    with (
        H2Upstream(respond, checked=False) as upstream,
        forwarding_to(upstream.url, transport=SPEAKING, response_timeout=1.0) as gateway,
    ):
        answer = ask(gateway.port, b"POST /bad HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
        assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid")
        assert get(gateway.port, "/good").body == b"ok"
        eventually(lambda: gateway.transport.status().in_use == 0)


def test_over_tls_both_must_agree_on_it(tmp_path: Path) -> None:
    pem = self_signed(tmp_path, "localhost")
    transport = {"h2": True, "ssl_context": upstream_context(protocol=H2, ca=str(pem))}
    with H2Upstream(context=server_context(pem, protocol=H2)) as upstream:
        with forwarding_to(upstream.url, transport=transport) as gateway:
            assert [get(gateway.port).status for _ in range(3)] == [200] * 3
        assert upstream.exchanges[0].one(b":scheme") == b"https"
    with H2Upstream(context=server_context(pem, protocol=H1)) as upstream:
        with forwarding_to(upstream.url, transport=transport) as gateway:
            assert get(gateway.port).one(b"gateway-reason") == b"upstream-unreachable"
        assert upstream.exchanged == 0


def test_over_a_unix_socket(tmp_path: Path) -> None:
    with (
        H2Upstream(path=tmp_path / "h2.sock") as upstream,
        forwarding_to(upstream.url, transport=SPEAKING) as gateway,
    ):
        assert get(gateway.port).status == 200
        assert upstream.exchanges[0].one(b":authority") == b"localhost"


def test_a_refused_connection_is_unreachable_for_all_who_wait_for_it() -> None:
    with (
        forwarding_to(f"http://127.0.0.1:{free_port()}", transport=SPEAKING) as gateway,
        ThreadPoolExecutor(10) as threads,
    ):
        reasons = {answer.one(b"gateway-reason") for answer in threads.map(lambda _: get(gateway.port), range(10))}
        assert reasons == {b"upstream-unreachable"}
        eventually(lambda: gateway.transport.status().in_use == 0)


def test_an_http_1_upstream_is_no_valid_answer() -> None:
    with RawUpstream() as upstream, forwarding_to(upstream.url, transport=SPEAKING, response_timeout=0.3) as gateway:
        started = time.monotonic()
        assert get(gateway.port).status in (502, 504)
        assert time.monotonic() - started < 1.0


def test_an_answer_that_stalls_or_breaks_off_never_looks_whole() -> None:
    def respond(request: H2Request) -> None:
        request.head((b"content-length", b"100"))
        request.data(b"part")
        if request.one(b":path") == b"/reset":
            reset(request)
        elif request.one(b":path") == b"/short":
            request.data(b"", end=True)
        elif request.one(b":path") == b"/close":
            request.peer.peer.close()

    with H2Upstream(respond) as upstream, forwarding_to(upstream.url, transport=SPEAKING, idle_timeout=0.2) as gateway:
        for path in ("/stall", "/reset", "/short", "/close"):
            with RawClient(gateway.port) as client:
                client.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                answer = client.reader.message(response=True)
                assert answer is None or not answer.complete, path
