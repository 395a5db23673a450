"""Messages through the gateway: types, fragments, sizes, pings, compression; each hop on its own terms."""

import zlib
from collections.abc import Iterator

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from tests.proxy.harness import ForwardServer, forwarding_to, route_for
from tests.support.eventually import eventually
from tests.support.raw_upstream import Peer, RawUpstream
from tests.support.raw_websocket import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    RawFrame,
    RawWebSocket,
    accepted,
    agree,
    close_of,
    frame,
    read_frame,
    until_close,
)
from tests.support.websocket_upstream import websocket_service

ROUTE = route_for(websocket=True)
MIB = 2**20


def opened(gateway: ForwardServer, compression: str | None = None) -> ClientConnection:
    url = f"ws://127.0.0.1:{gateway.port}/"
    return connect(url, compression=compression, proxy=None, max_size=2**26, ping_interval=None)


class Seen:
    """An upstream that keeps the frames it gets, and sends what it is told to."""

    def __init__(self, *sends: bytes, fields: tuple[str, ...] = ()) -> None:
        self.sends = sends
        self.fields = fields
        self.frames: list[RawFrame] = []
        self.head = b""

    def __call__(self, peer: Peer) -> None:
        self.head = accepted(peer, *self.fields).head
        for data in self.sends:
            peer.send(data)
        while (found := read_frame(peer.reader)) is not None:
            self.frames.append(found)
            if found.opcode == CLOSE:
                peer.send(frame(CLOSE, found.data, mask=False))
                return


@pytest.fixture(scope="module")
def echoing() -> Iterator[ForwardServer]:
    with websocket_service() as service, forwarding_to(service.url, route=ROUTE) as gateway:
        yield gateway


@pytest.mark.parametrize(
    "message",
    ["hello", "", "Grüße 👋", "\0", b"", b"\0\xff" * 50, "x" * 125, "x" * 126, "x" * 65535, "x" * 65536, b"y" * MIB],
    ids=["text", "empty text", "unicode", "nul", "empty binary", "binary", "125", "126", "65535", "65536", "1 MiB"],
)
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_message_arrives_as_it_was_sent(
    echoing: ForwardServer, message: str | bytes, compression: str | None
) -> None:
    with opened(echoing, compression) as client:
        client.send(message)
        assert client.recv(timeout=5) == message


def test_messages_keep_their_order(echoing: ForwardServer) -> None:
    sent = [str(number) * (number % 7) for number in range(500)]
    with opened(echoing, "deflate") as client:
        for message in sent:
            client.send(message)
        assert [client.recv(timeout=5) for _ in sent] == sent


def test_fragments_stay_fragments_and_pings_may_come_between_them() -> None:
    seen = Seen(
        frame(BINARY, b"a", fin=False, mask=False),
        frame(PING, b"now", mask=False),
        frame(CONT, b"b", mask=False),
    )
    with (
        RawUpstream(seen) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.send(frame(TEXT, b"one", fin=False) + frame(PING, b"here?") + frame(CONT, b"two", fin=False))
        client.send(frame(CONT, b"three"))
        assert [client.frame() for _ in range(3)] == [
            RawFrame(BINARY, b"a", fin=False),
            RawFrame(CONT, b"b"),
            RawFrame(PONG, b"here?"),
        ]
        eventually(lambda: len(seen.frames) == 4)
    assert sorted(seen.frames[:4], key=lambda found: found.opcode) == [
        RawFrame(CONT, b"two", fin=False, masked=True),
        RawFrame(CONT, b"three", masked=True),
        RawFrame(TEXT, b"one", fin=False, masked=True),
        RawFrame(PONG, b"now", masked=True),
    ]


def test_frames_may_arrive_byte_by_byte_and_with_the_handshake() -> None:
    seen = Seen()
    with (
        RawUpstream(seen) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port, "/", early=frame(TEXT, b"early")) as client,
    ):
        for byte in frame(TEXT, b"slow") + frame(BINARY, b"z" * 300):
            client.send(bytes([byte]))
        eventually(lambda: len(seen.frames) == 3)
    assert [found.data for found in seen.frames[:3]] == [b"early", b"slow", b"z" * 300]


def test_what_an_upstream_sends_with_its_101_is_not_lost() -> None:
    def script(peer: Peer) -> None:
        request = peer.head()
        if request is not None:
            peer.send(agree(request) + frame(TEXT, b"at once", mask=False))
            until_close(peer)

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        assert client.frame() == RawFrame(TEXT, b"at once")


def test_every_frame_to_an_upstream_has_a_mask_of_its_own() -> None:
    masks: list[bytes] = []

    def script(peer: Peer) -> None:
        accepted(peer)
        masks.extend(peer.reader.exactly(2 + 4 + 1)[2:6] for _ in range(8))
        until_close(peer)

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        client.send(frame(TEXT, b"x") * 8)
        eventually(lambda: len(masks) == 8)
    assert len(set(masks)) > 1


def test_pings_are_answered_by_the_gateway(echoing: ForwardServer) -> None:
    with opened(echoing) as client:
        assert client.ping(b"there?").wait(1)


DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


@pytest.mark.parametrize("client_compresses", [True, False])
@pytest.mark.parametrize("upstream_compresses", [True, False])
def test_compression_is_agreed_on_each_hop_and_offered_where_the_client_offers_it(
    client_compresses: bool, upstream_compresses: bool
) -> None:
    offered: list[str] = []

    async def handle(connection: ServerConnection) -> None:
        if connection.request is not None:
            offered.extend(connection.request.headers.get_all("sec-websocket-extensions"))
        async for message in connection:
            await connection.send(message)

    compression = "deflate" if upstream_compresses else None
    with (
        websocket_service(handle, compression=compression) as service,
        forwarding_to(service.url, route=ROUTE) as gateway,
        opened(gateway, "deflate" if client_compresses else None) as client,
    ):
        for message in ("a" * 5000, "b" * 5000, b"\0" * 100_000):
            client.send(message)
            assert client.recv(timeout=5) == message
        assert bool(client.protocol.extensions) is client_compresses
        assert bool(offered) is client_compresses
        assert bool(service.connections[0].protocol.extensions) is (client_compresses and upstream_compresses)


def test_no_window_is_kept_between_messages() -> None:
    def script(peer: Peer) -> None:
        request = accepted(
            peer, "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        )
        offers.extend(request.all(b"sec-websocket-extensions"))
        until_close(peer)

    offers: list[bytes] = []
    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, route=ROUTE) as gateway,
        RawWebSocket(gateway.port, "/", DEFLATE) as client,
    ):
        (agreed,) = client.head.all(b"sec-websocket-extensions")
        assert b"server_no_context_takeover" in agreed
        assert b"client_no_context_takeover" in agreed
    assert b"server_no_context_takeover; client_no_context_takeover" in offers[0]


@pytest.mark.parametrize("pieces", [1, 64], ids=["one frame", "fragments"])
def test_a_message_above_the_limit_ends_the_connection_with_1009(echoing: ForwardServer, pieces: int) -> None:
    piece = b"x" * (20 * MIB // pieces)
    with pytest.raises(ConnectionClosedError) as closed, opened(echoing) as client:  # noqa: PT012
        client.send([piece] * pieces if pieces > 1 else piece)
        client.recv(timeout=8)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_message_at_the_limit_passes() -> None:
    limit = 100_000
    with websocket_service() as service, forwarding_to(service.url, route=ROUTE, message_limit=limit) as gateway:
        with opened(gateway, "deflate") as client:
            client.send(b"x" * limit)
            assert client.recv(timeout=5) == b"x" * limit
        with opened(gateway) as client:
            client.send([b"x" * 60_000, b"y" * 40_000])
            assert len(client.recv(timeout=5)) == limit
        with RawWebSocket(gateway.port) as raw:
            raw.send(frame(BINARY, b"x" * 60_000, fin=False) + frame(CONT, b"y" * 40_001))
            assert (close_of(raw.frame()) or (0,))[0] == 1009


def test_a_message_above_the_limit_from_an_upstream_ends_both_sides() -> None:
    seen = Seen(frame(BINARY, b"x" * 1001, mask=False))
    with (
        RawUpstream(seen) as upstream,
        forwarding_to(upstream.url, route=ROUTE, message_limit=1000) as gateway,
        RawWebSocket(gateway.port) as client,
    ):
        assert close_of(client.frame()) == (1011, b"")
        eventually(lambda: bool(seen.frames))
    assert (close_of(seen.frames[0]) or (0,))[0] == 1009


def test_a_deflate_bomb_is_not_blown_up() -> None:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -12)
    bomb = squeezer.compress(b"\0" * (64 * MIB)) + squeezer.flush(zlib.Z_SYNC_FLUSH)
    seen = Seen()
    with (
        RawUpstream(seen) as upstream,
        forwarding_to(upstream.url, route=ROUTE, message_limit=MIB) as gateway,
        RawWebSocket(gateway.port, "/", DEFLATE) as client,
    ):
        client.send(frame(BINARY, bomb[:-4], rsv1=True))
        assert (close_of(client.frame()) or (0,))[0] == 1009
        eventually(lambda: bool(seen.frames))
    assert close_of(seen.frames[0]) == (1001, b"")
