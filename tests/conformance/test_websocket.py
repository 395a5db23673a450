"""P108-P111: WebSockets are judged like requests, joined frame by frame, and bounded."""

import time
import zlib

import pytest

from tests.conformance.stage import Granted, Stage, resident, token
from tests.support.eventually import eventually
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, ok
from tests.support.raw_websocket import (
    BINARY,
    CLOSE,
    CONT,
    KEY,
    PING,
    PONG,
    TEXT,
    RawFrame,
    RawWebSocket,
    accept_for,
    accepted,
    close_frame,
    close_of,
    frame,
    opening,
    read_frame,
)

MIB = 1024 * 1024
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


def dial(stage: Stage, granted: Granted, rest: str = "/", *fields: str, receive_buffer: int = 0) -> RawWebSocket:
    """A WebSocket of a user, opened."""
    target = stage.path(rest, "socket")
    return RawWebSocket(stage.port, target, token(granted), *fields, receive_buffer=receive_buffer)


def echo(peer: Peer) -> None:
    """Sends back every frame as it came, closes included."""
    accepted(peer)
    while (found := read_frame(peer.reader)) is not None:
        peer.send(frame(found.opcode, found.data, fin=found.fin, mask=False))
        if found.opcode == CLOSE:
            return


def refusals(stage: Stage, granted: Granted) -> dict[str, tuple[str, tuple[str, ...], int]]:
    """Target, fields and status."""
    mine = token(granted)
    return {
        "no token": (stage.path(kind="socket"), (), 401),
        "no token, any origin": (stage.path(kind="socket"), ("Origin: https://evil.test",), 401),
        "a bad token": (stage.path(kind="socket"), ("Authorization: Bearer a.b.c",), 401),
        "a bad token offered": (stage.path(kind="socket"), ("Sec-WebSocket-Protocol: gateway.bearer, a.b.c",), 401),
        "no such path": ("/nothing/here", (mine,), 404),
        "not the role": ("/admin-socket/x", (mine,), 403),
        "not a WebSocket route": (stage.path(kind="user"), (mine,), 501),
    }


REFUSED = ["no token", "no token, any origin", "a bad token", "a bad token offered"]
REFUSED += ["no such path", "not the role", "not a WebSocket route"]


@pytest.mark.parametrize("case", REFUSED)
def test_p108_a_handshake_is_refused_as_a_request_is(stage: Stage, alice: Granted, case: str) -> None:
    """By an HTTP answer, and the upstream hears nothing. Origins are no matter where a token is sent by a program:
    no browser sends it by itself."""
    target, fields, status = refusals(stage, alice)[case]
    with stage.client() as client:
        client.send(opening(target, *fields))
        answer = client.response()
    assert (answer.status, answer.one(b"content-type")) == (status, b"application/problem+json")
    assert stage.upstream.peers == []


def test_p109_a_handshake_is_made_anew_for_the_upstream(stage: Stage, alice: Granted) -> None:
    def script(peer: Peer) -> None:
        accepted(peer, "Sec-WebSocket-Protocol: chat.v1", "Set-Cookie: a=1", "X-Up: 1")
        peer.gone()

    stage.plays(script)
    offered = f"Sec-WebSocket-Protocol: gateway.bearer, {alice['access_token']}, chat.v2, chat.v1"
    fields = (offered, "Cookie: a=1; b=2", "Origin: https://app.test", "X-User-Id: admin")
    unknown = "Sec-WebSocket-Extensions: x-unknown; a=1"
    with RawWebSocket(stage.port, stage.path("/x?q=%zz", "socket"), *fields, unknown) as ws:
        seen = stage.seen
        assert seen.target == b"/x?q=%zz"
        assert seen.one(b"sec-websocket-protocol") == b"chat.v2, chat.v1"
        assert seen.one(b"cookie") == b"a=1; b=2"
        assert seen.one(b"origin") == b"https://app.test"
        assert seen.one(b"x-user-id") == alice["user_id"].encode()
        assert seen.one(b"sec-websocket-version") == b"13"
        assert seen.one(b"sec-websocket-key") not in (None, KEY.encode())
        assert b"x-unknown" not in seen.head
        assert alice["access_token"].encode() not in seen.head
        assert ws.head.status == 101
        assert ws.head.one(b"sec-websocket-accept") == accept_for(KEY).encode()
        assert ws.head.one(b"sec-websocket-protocol") == b"chat.v1"
        assert ws.head.all(b"sec-websocket-extensions") == []
        assert (ws.head.one(b"set-cookie"), ws.head.one(b"x-up")) == (b"a=1", b"1")


@pytest.mark.parametrize("status", [b"403 Forbidden", b"404 Not Found", b"200 OK", b"302 Found"])
def test_p109_a_refusal_of_the_upstream_reaches_the_client(stage: Stage, alice: Granted, status: bytes) -> None:
    def script(peer: Peer) -> None:
        if peer.head() is not None:
            peer.send(ok(b"not here", b"X-Up: 1", status=status))

    stage.plays(script)
    with stage.client() as client:
        client.send(opening(stage.path(kind="socket"), token(alice)))
        answer = client.response()
    assert (answer.status, answer.body, answer.one(b"x-up")) == (int(status[:3]), b"not here", b"1")
    assert answer.one(b"gateway-reason") is None


def test_p109_an_upstream_that_agrees_wrongly_is_a_bad_gateway(stage: Stage, alice: Granted) -> None:
    def script(peer: Peer) -> None:
        if peer.head() is not None:
            wrong = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + b"x" * 28
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\n" + wrong + b"\r\n\r\n")

    stage.plays(script)
    with stage.client() as client:
        client.send(opening(stage.path(kind="socket"), token(alice)))
        answer: RawMessage = client.response()
    assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid")


Message = tuple[int, bytes, bool]
MESSAGES: dict[str, list[Message]] = {
    "text": [(TEXT, "naïve €".encode(), True)],
    "binary": [(BINARY, bytes(range(256)), True)],
    "empty": [(TEXT, b"", True), (BINARY, b"", True)],
    "long": [(BINARY, b"x" * 70_000, True)],
    "fragments": [(TEXT, b"a", False), (CONT, b"", False), (CONT, b"b", True)],
}


@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES)
def test_p110_messages_keep_type_and_bytes(
    stage: Stage, alice: Granted, messages: list[tuple[int, bytes, bool]]
) -> None:
    stage.plays(echo)
    with dial(stage, alice) as ws:
        for opcode, data, fin in messages:
            ws.send(frame(opcode, data, fin=fin))
        for opcode, data, fin in messages:
            assert ws.frame() == RawFrame(opcode, data, fin)


def test_p110_a_ping_is_answered(stage: Stage, alice: Granted) -> None:
    stage.plays(echo)
    with dial(stage, alice) as ws:
        ws.send(frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(CONT, b"b"))
        found = {(seen.opcode, seen.data) for seen in (ws.frame(), ws.frame(), ws.frame()) if seen is not None}
    assert found == {(PONG, b"p"), (TEXT, b"a"), (CONT, b"b")}


CODES = [(1000, b"bye"), (1001, b""), (3000, b"x" * 123), (4999, "ü".encode())]


@pytest.mark.parametrize(("code", "reason"), CODES)
def test_p110_a_close_passes_both_ways(stage: Stage, alice: Granted, code: int, reason: bytes) -> None:
    heard: list[tuple[int, bytes] | None] = []

    def script(peer: Peer) -> None:
        request = accepted(peer)
        if request.target == b"/upstream":
            peer.send(close_frame(code, reason, mask=False))
        heard.append(close_of(read_frame(peer.reader)))
        if request.target == b"/client":
            peer.send(close_frame(code, reason, mask=False))

    stage.plays(script)
    for begins in ("/client", "/upstream"):
        with dial(stage, alice, begins) as ws:
            if begins == "/client":
                ws.send(close_frame(code, reason))
            assert close_of(ws.frame()) == (code, reason)
            if begins == "/upstream":
                ws.send(close_frame(code, reason))
            assert ws.frame() is None
    eventually(lambda: len(heard) == 2)
    assert [found and found[0] for found in heard] == [code, code]


def test_p110_an_abrupt_end_is_never_1006(stage: Stage, alice: Granted) -> None:
    heard: list[tuple[int, bytes] | None] = []

    def script(peer: Peer) -> None:
        if accepted(peer).target == b"/stay":
            heard.append(close_of(read_frame(peer.reader)))
        else:
            peer.reset()

    stage.plays(script)
    with dial(stage, alice, "/go") as ws:
        assert close_of(ws.frame()) == (1011, b"")
    with dial(stage, alice, "/stay") as ws:
        ws.reset()
    eventually(lambda: heard == [(1001, b"")])


def too_large(mask: bool) -> bytes:
    """A message of one byte more than 16 MiB, of which only the beginning is sent."""
    return frame(BINARY, b"", mask=mask)[:1] + bytes([0x7F | (0x80 if mask else 0)]) + (16 * MIB + 1).to_bytes(8, "big")


def test_p111_a_message_over_the_limit_is_refused(stage: Stage, alice: Granted) -> None:
    def script(peer: Peer) -> None:
        if accepted(peer).target == b"/upstream":
            peer.send(too_large(mask=False) + b"x" * 1000)
        peer.gone()

    stage.plays(script)
    with dial(stage, alice, "/client") as ws:
        ws.send(too_large(mask=True) + b"\0\0\0\0" + b"x" * 1000)
        assert (close_of(ws.frame()) or (0,))[0] == 1009
    with dial(stage, alice, "/upstream") as ws:
        assert (close_of(ws.frame()) or (0,))[0] in (1009, 1011)


def test_p111_a_message_of_the_limit_passes(stage: Stage, alice: Granted) -> None:
    def script(peer: Peer) -> None:
        accepted(peer)
        found = read_frame(peer.reader)
        peer.send(frame(TEXT, b"%d" % len(found.data if found else b""), mask=False))

    stage.plays(script)
    with dial(stage, alice) as ws:
        ws.send(frame(BINARY, bytes(16 * MIB)))
        assert ws.frame() == RawFrame(TEXT, b"%d" % (16 * MIB))


def test_p111_a_deflate_bomb_is_refused(stage: Stage, alice: Granted) -> None:
    """256 MiB of zeros take a quarter of a megabyte."""
    packer = zlib.compressobj(wbits=-15)
    bomb = b"".join(packer.compress(bytes(MIB)) for _ in range(256)) + packer.flush(zlib.Z_SYNC_FLUSH)[:-4]

    def script(peer: Peer) -> None:
        accepted(peer)
        peer.gone()

    stage.plays(script)
    before = resident(stage.gateway)
    with dial(stage, alice, "/", DEFLATE) as ws:
        assert ws.head.one(b"sec-websocket-extensions") is not None
        ws.send(frame(BINARY, bomb, rsv1=True))
        assert (close_of(ws.frame()) or (0,))[0] == 1009
        assert resident(stage.gateway) - before < 64 * MIB


def test_p111_a_reader_that_does_not_read_stalls_the_other_side(stage: Stage, alice: Granted) -> None:
    sent = [0]

    def script(peer: Peer) -> None:
        accepted(peer)
        for _ in range(64):
            peer.send(frame(BINARY, bytes(MIB), mask=False))
            sent[0] += MIB

    stage.plays(script)
    before = resident(stage.gateway)
    with dial(stage, alice, receive_buffer=65536) as ws:
        stalled_at = -1
        while stalled_at != sent[0]:
            stalled_at = sent[0]
            time.sleep(0.3)
        assert stalled_at < 64 * MIB
        assert resident(stage.gateway) - before < 16 * MIB
        received = 0
        while received < 64 * MIB:
            found = ws.frame()
            assert found is not None
            received += len(found.data)
