"""What an upstream may say to a handshake instead of agreeing to it, and what the client then hears."""

import pytest

from gateway.policy.access import AccessPublic
from tests.proxy.harness import forwarding_to, route_for
from tests.proxy.websocket_scripts import agreeing, answering
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, RawUpstream, ok
from tests.support.raw_websocket import RawWebSocket, agree, opening

ROUTE = route_for(websocket=True)


def refused(answer: bytes) -> RawMessage:
    """What a client hears when its upstream says this to the handshake."""
    with (
        RawUpstream(answering(answer)) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawClient(gateway.port) as client,
    ):
        return client.ask(opening())


@pytest.mark.parametrize(
    "answer",
    [
        ok(b'{"no": 1}', b"Content-Type: application/json", status=b"403 Forbidden"),
        ok(b"nothing here", status=b"404 Not Found"),
        ok(b"hello", status=b"200 OK"),
        ok(b"", b"Location: /elsewhere", status=b"302 Found"),
        ok(b"", b"Sec-WebSocket-Version: 8", status=b"426 Upgrade Required"),
        b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"late", status=b"500 Oops"),
        b"HTTP/1.0 401 Unauthorized\r\n\r\nuntil the end",
    ],
    ids=["403", "404", "200", "302", "426", "chunked", "after an interim answer", "until closed"],
)
def test_an_answer_other_than_101_reaches_the_client_as_it_is(answer: bytes) -> None:
    seen = refused(answer)
    final = RawMessage(answer.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"").split(b"\r\n\r\n")[0])
    assert seen.status == final.status
    assert seen.complete
    assert seen.one(b"connection") == b"close"
    assert seen.all(b"location") == final.all(b"location")
    assert seen.body in answer.replace(b"4\r\nbusy\r\n", b"busy")


def with_accept(fields: str) -> bytes:
    """A 101 that would be right, were its fields."""
    return b"HTTP/1.1 101 Switching Protocols\r\n" + fields.encode() + b"\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        with_accept("Upgrade: websocket\r\nConnection: Upgrade"),
        with_accept("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong"),
        with_accept("Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong"),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConn ection: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
        b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 70_000,
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=[
        "nothing",
        "garbage",
        "HTTP/2",
        "bare 101",
        "no accept",
        "wrong accept",
        "other protocol",
        "bad field",
        "bad length",
        "only interim",
        "endless head",
        "half a head",
        "600",
    ],
)
def test_an_answer_that_is_none_is_502(answer: bytes) -> None:
    seen = refused(answer)
    assert (seen.status, seen.one(b"gateway-reason")) == (502, b"upstream-invalid")


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        ("chat", "Sec-WebSocket-Protocol: other"),
        ("chat, more", "Sec-WebSocket-Protocol: chat, more"),
        ("gateway.bearer, t, chat", "Sec-WebSocket-Protocol: gateway.bearer"),
        ("gateway.bearer, t", "Sec-WebSocket-Protocol: t"),
        ("chat", "Sec-WebSocket-Extensions: permessage-deflate"),
        ("chat", "X-Control: a\x01b"),
    ],
    ids=["not offered", "two", "the gateway's", "the token", "an extension", "a control character"],
)
def test_an_upstream_that_agrees_to_something_else_is_502(offered: str, agreed: str) -> None:
    def script(peer: Peer) -> None:
        request = peer.head()
        if request is not None:
            peer.send(agree(request, agreed))
            peer.gone()

    route = route_for(AccessPublic(), websocket=True)
    with RawUpstream(script) as upstream, forwarding_to(upstream.url, route=route) as gateway:
        with RawClient(gateway.port) as client:
            answer = client.ask(opening("/", f"Sec-WebSocket-Protocol: {offered}"))
        assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid")
        eventually(lambda: upstream.peers[0].ended)


def test_no_connection_is_502_and_no_answer_504() -> None:
    with forwarding_to(f"http://127.0.0.1:{free_port()}", route=ROUTE) as gateway, RawClient(gateway.port) as client:
        answer = client.ask(opening())
        assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-unreachable")

    def silent(peer: Peer) -> None:
        peer.head()
        peer.gone()

    with RawUpstream(silent) as upstream, forwarding_to(upstream.url, route=ROUTE, response_timeout=0.3) as gateway:
        with RawClient(gateway.port) as client:
            answer = client.ask(opening())
            assert (answer.status, answer.one(b"gateway-reason")) == (504, b"upstream-timeout")
        eventually(lambda: upstream.peers[0].ended)


def test_a_target_that_refuses_connections_is_passed_over() -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with (
        RawUpstream(agreeing()) as upstream,
        forwarding_to(dead, upstream.url, route=ROUTE, transport={"retries": 1}) as gateway,
    ):
        for _ in range(3):
            with RawWebSocket(gateway.port) as client:
                assert client.head.status == 101
