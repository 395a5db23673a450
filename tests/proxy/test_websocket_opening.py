"""The handshake on its two hops: what is sent upstream, what is answered, and what an upstream may say to it."""

import time

import pytest

from gateway.policy.access import AccessPublic
from tests.proxy.harness import ANN, forwarding_to, route_for
from tests.proxy.websocket_scripts import agreeing
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, RawUpstream
from tests.support.raw_websocket import KEY, RawWebSocket, accept_for, opening

ROUTE = route_for(websocket=True)


def asked(target: str, *fields: str, agree_with: tuple[str, ...] = (), **setting: object) -> RawMessage:
    """What the upstream is sent for a client's handshake."""
    with (
        RawUpstream(agreeing(*agree_with)) as upstream,
        forwarding_to(upstream.url, **{"route": ROUTE, **setting}) as gateway,
        RawWebSocket(gateway.port, target, *fields) as client,
    ):
        assert client.head.status == 101
        return upstream.requests[0]


def test_the_answer_is_the_gateways_own() -> None:
    with (
        RawUpstream(agreeing("Set-Cookie: a=1", "X-From: upstream", "Gateway-Reason: none")) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        head = client.head
    assert head.start == b"HTTP/1.1 101 Switching Protocols"
    assert head.one(b"sec-websocket-accept") == accept_for(KEY).encode()
    assert (head.one(b"upgrade"), head.one(b"connection")) == (b"websocket", b"Upgrade")
    assert head.one(b"set-cookie") == b"a=1"
    assert head.one(b"x-from") == b"upstream"
    assert head.one(b"x-request-id")
    assert not head.all(b"sec-websocket-protocol") + head.all(b"sec-websocket-extensions")
    assert not head.all(b"gateway-reason") + head.all(b"content-length") + head.all(b"transfer-encoding")


def test_the_handshake_to_the_upstream_is_made_anew() -> None:
    request = asked("/", "Sec-WebSocket-Extensions: x-webkit-deflate-frame", "Sec-WebSocket-Accept: forged")
    assert request.one(b"sec-websocket-key") not in (KEY.encode(), None)
    assert request.one(b"sec-websocket-version") == b"13"
    assert (request.one(b"upgrade"), request.one(b"connection")) == (b"websocket", b"Upgrade")
    assert not request.all(b"sec-websocket-extensions") + request.all(b"sec-websocket-accept")


@pytest.mark.parametrize("target", ["/a/b?x=1&y=%20", "/%61?", "/?a=b?c=d", "/a?token_hint=%2f"])
def test_the_target_goes_up_byte_for_byte(target: str) -> None:
    assert asked(target).target == target.encode()


def test_prefixes_are_changed_as_on_requests() -> None:
    route = route_for(websocket=True, strip_prefix=b"/api", add_prefix=b"/v1")
    assert asked("/api/chat?room=1", route=route).target == b"/v1/chat?room=1"


def test_fields_are_judged_as_on_requests() -> None:
    request = asked(
        "/",
        "X-User-Id: forged",
        "X_User_Role: admin",
        "X-Forwarded-For: 1.2.3.4",
        "Authorization: Bearer abc",
        "Cookie: mine=1; gateway_access=secret",
        "Origin: https://app.example",
        "X-Own: kept",
        "Keep-Alive: 5",
        "Content-Length: 0",
    )
    names = [name.replace(b"_", b"-") for name, _ in request.fields]
    assert request.one(b"x-user-id") == ANN.subject.encode()
    assert request.one(b"x-user-role") == b"user"
    assert names.count(b"x-user-role") == 1
    assert request.one(b"x-forwarded-for") == b"127.0.0.1"
    assert request.one(b"origin") == b"https://app.example"
    assert request.one(b"cookie") == b"mine=1"
    assert request.one(b"x-own") == b"kept"
    assert request.one(b"via") == b"1.1 gateway"
    assert not {b"authorization", b"keep-alive", b"content-length", b"transfer-encoding"} & set(names)


@pytest.mark.parametrize(
    ("offered", "upstream_sees", "chosen", "answered"),
    [
        ("chat, chat2", b"chat, chat2", "chat2", b"chat2"),
        ("chat", b"chat", None, None),
        (None, None, None, None),
        ("gateway.bearer, a.b.c, chat, chat2", b"chat, chat2", "chat", b"chat"),
        ("gateway.bearer, a.b.c, chat", b"chat", None, b"gateway.bearer"),
        ("gateway.bearer, a.b.c", None, None, b"gateway.bearer"),
        ("gateway.bearer,a.b.c,chat", b"chat", "chat", b"chat"),
    ],
)
def test_sub_protocols(
    offered: str | None, upstream_sees: bytes | None, chosen: str | None, answered: bytes | None
) -> None:
    script = agreeing(*([f"Sec-WebSocket-Protocol: {chosen}"] if chosen else []))
    fields = [f"Sec-WebSocket-Protocol: {offered}"] if offered else []
    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, route=route_for(AccessPublic(), websocket=True)) as gateway,
        RawWebSocket(gateway.port, "/", *fields) as client,
    ):
        assert client.head.one(b"sec-websocket-protocol") == answered
        assert upstream.requests[0].one(b"sec-websocket-protocol") == upstream_sees
        assert b"a.b.c" not in upstream.requests[0].head


@pytest.mark.parametrize(
    "offered",
    ["chat, gateway.bearer, a.b.c", "gateway.bearer, gateway.bearer", "a, a", "a b", "a,,b", "(a)", ""],
)
def test_an_ambiguous_offer_is_refused(offered: str) -> None:
    with RawUpstream() as upstream, forwarding_to(upstream.url, route=ROUTE) as gateway:
        with RawClient(gateway.port) as client:
            answer = client.ask(opening("/", f"Sec-WebSocket-Protocol: {offered}"))
        assert (answer.status, answer.one(b"gateway-reason")) == (400, b"header-ambiguous")
        assert upstream.hits == 0


def test_a_client_that_leaves_before_the_answer_takes_its_upstream_connection_along() -> None:
    def silent(peer: Peer) -> None:
        peer.head()
        peer.gone()

    with RawUpstream(silent) as upstream, forwarding_to(upstream.url, route=ROUTE) as gateway:
        client = RawClient(gateway.port)
        client.send(opening())
        eventually(lambda: upstream.hits == 1)
        left_at = time.monotonic()
        client.close()
        eventually(lambda: upstream.peers[0].ended)
        assert time.monotonic() - left_at < 0.5
        eventually(lambda: len(gateway.finished.contexts) == 1)
        assert gateway.finished.contexts[0].status == 499


def test_a_route_without_websockets_opens_none() -> None:
    with RawUpstream() as upstream, forwarding_to(upstream.url) as gateway, RawClient(gateway.port) as client:
        answer = client.ask(opening())
        assert (answer.status, answer.one(b"gateway-reason")) == (501, b"not-implemented")
        assert upstream.hits == 0


BAD_HANDSHAKES = {
    "POST": opening().replace(b"GET", b"POST", 1),
    "version 8": opening().replace(b"Version: 13", b"Version: 8"),
    "short key": opening().replace(KEY.encode(), b"eHh4"),
    "two keys": opening("/", f"Sec-WebSocket-Key: {KEY}"),
    "two versions": opening("/", "Sec-WebSocket-Version: 13"),
    "no key": opening().replace(b"Sec-WebSocket-Key", b"X-Key"),
    "two upgrades": opening().replace(b"Upgrade: websocket", b"Upgrade: websocket, h2c"),
    "HTTP/1.0": opening().replace(b"HTTP/1.1", b"HTTP/1.0"),
}


@pytest.mark.parametrize("handshake", BAD_HANDSHAKES.values(), ids=BAD_HANDSHAKES)
def test_what_is_no_handshake_is_an_ordinary_request_without_a_token_of_sub_protocols(handshake: bytes) -> None:
    offer = b"Sec-WebSocket-Protocol: gateway.bearer, secret.token\r\n\r\n"
    with RawUpstream() as upstream, forwarding_to(upstream.url, route=ROUTE) as gateway:
        with RawClient(gateway.port) as client:
            assert client.ask(handshake[:-2] + offer).body == b"ok"
        (request,) = upstream.requests
    assert not any(name == b"upgrade" or name.startswith(b"sec-websocket") for name, _ in request.fields)
    assert b"secret.token" not in request.head
