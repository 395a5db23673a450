"""P53-P62: bodies that are too large, too slow, cut off or not wanted, and clients of another age."""

import contextlib
import gzip
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance.stage import Stage, head, resident, sized
from tests.conformance.strict_gateway import StrictGateway
from tests.support.eventually import eventually
from tests.support.raw_upstream import Peer, ok

CHUNKED = "Transfer-Encoding: chunked"
MIB = 1024 * 1024


def pour(sock: socket.socket, most: int) -> None:
    """Send up to `most` bytes, as fast as they are taken."""
    piece = b"x" * 65536
    with contextlib.suppress(OSError):
        while most > 0:
            most -= sock.send(piece[:most])


def refused_after(sock: socket.socket) -> float:
    """Go on sending, a megabyte in each fiftieth of a second; the seconds until the peer takes no more."""
    begun = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() - begun < 8:
            sock.sendall(b"x" * MIB)
            time.sleep(0.02)
    return time.monotonic() - begun


def test_p53_a_refused_body_is_not_swallowed(stage: Stage) -> None:
    """For two seconds what comes is thrown away, so that the answer is not lost to a reset (RFC 9112 section 9.6)."""
    with stage.client() as client:
        client.ask(head("GET", "/rated/x"))
    before = resident(stage.gateway)
    asked = {
        401: head("POST", stage.path(kind="user"), CHUNKED),
        413: head("POST", stage.path(kind="small"), f"Content-Length: {100 * MIB}"),
        429: head("POST", "/rated/x", CHUNKED),
    }
    clients = [stage.client() for _ in asked]
    for client, (status, request) in zip(clients, asked.items(), strict=True):
        client.send(request)
        answer = client.response()
        assert (answer.status, answer.one(b"connection")) == (status, b"close")
    with ThreadPoolExecutor() as pool:
        assert max(pool.map(refused_after, [client.sock for client in clients])) < 6
    assert resident(stage.gateway) - before < 16 * MIB
    assert stage.upstream.hits == 0
    for client in clients:
        client.close()


def test_p54_an_announced_length_over_the_limit_is_refused_unread(stage: Stage) -> None:
    with stage.client() as client:
        client.send(stage.request("POST", "/", "Content-Length: 200000", kind="small"))
        assert client.response().status == 413
        assert client.ended()
    assert stage.upstream.hits == 0


def test_p54_a_body_that_grows_over_the_limit_is_cut(stage: Stage) -> None:
    whole: list[bool] = []

    def script(peer: Peer) -> None:
        request = peer.request()
        whole.append(request is not None and request.complete)

    stage.plays(script)
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    with stage.client() as client:
        client.send(stage.request("POST", "/", CHUNKED, kind="small") + chunk)
        eventually(lambda: bool(stage.upstream.peers), 5)
        client.send(chunk * 3)
        answer = client.response()
        assert (answer.status, answer.one(b"gateway-reason")) == (413, b"body-too-large")
        assert client.ended()
    eventually(lambda: whole == [False], 5)


@pytest.mark.parametrize("fields", [(CHUNKED,), ("Content-Length: 500000",)], ids=["chunked", "length"])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_p55_a_client_that_dies_leaves_no_whole_request(stage: Stage, fields: tuple[str], reset: bool) -> None:
    seen = []

    def script(peer: Peer) -> None:
        seen.append(peer.request())

    stage.plays(script)
    with stage.client() as client:
        client.send(stage.request("POST", "/", *fields) + b"20000\r\n" + b"x" * 0x20000)
        eventually(lambda: bool(stage.upstream.peers), 5)
        if reset:
            client.reset()
    eventually(lambda: len(seen) == 1, 5)
    assert seen[0] is not None
    assert not seen[0].complete


def test_p56_a_body_that_stalls_is_given_up(strict: StrictGateway) -> None:
    """The body deadline is a second here."""
    with strict.client() as client:
        client.send(head("POST", "/public/x", "Content-Length: 10") + b"hello")
        begun = time.monotonic()
        assert client.response().status == 408
        assert client.ended()
        assert time.monotonic() - begun < 6


def test_p57_a_slow_head_and_a_silent_connection_are_closed(strict: StrictGateway) -> None:
    """The header deadline is a second here, whatever trickles in."""
    with strict.client() as slow, strict.client() as silent:
        begun = time.monotonic()
        slow.sock.settimeout(0.2)
        closed = False
        for byte in head("GET", "/public/" + "x" * 80):
            try:
                slow.send(bytes([byte]))
                closed = not slow.reader.more() or b"408" in slow.reader.buffer
            except TimeoutError:
                continue
            except ConnectionError:
                closed = True
            if closed:
                break
        assert closed
        assert silent.ended()
        assert 0.5 < time.monotonic() - begun < 8


def test_p58_an_upload_waits_for_a_slow_upstream(stage: Stage) -> None:
    go, size = threading.Event(), 64 * MIB

    def script(peer: Peer) -> None:
        request = peer.head()
        assert request is not None
        go.wait(20)
        request.body = b"%d" % len(peer.reader.exactly(size))
        peer.send(ok(request.body))

    stage.plays(script)
    before = resident(stage.gateway)
    with stage.client() as client:
        client.send(stage.request("POST", "/", f"Content-Length: {size}"))
        sender = threading.Thread(target=pour, args=(client.sock, size))
        sender.start()
        time.sleep(0.5)
        assert sender.is_alive()
        grown = resident(stage.gateway) - before
        go.set()
        answer = client.response()
        sender.join(10)
    assert answer.body == b"%d" % size
    assert max(grown, resident(stage.gateway) - before) < 16 * MIB


def test_p59_a_compressed_body_is_left_alone(stage: Stage) -> None:
    body = gzip.compress(b"hello" * 1000)
    stage.ask("POST", "/", "Content-Encoding: gzip", sized(body), body=body)
    assert (stage.seen.one(b"content-encoding"), stage.seen.body) == (b"gzip", body)


def test_p60_an_early_answer_reaches_the_client(stage: Stage) -> None:
    def script(peer: Peer) -> None:
        peer.head()
        peer.send(ok(b"enough", b"Connection: close", status=b"413 Content Too Large"))
        peer.gone()

    stage.plays(script)
    with stage.client() as client:
        client.send(stage.request("POST", "/", f"Content-Length: {100 * MIB}") + b"x" * 100_000)
        answer = client.response()
        assert (answer.status, answer.body, answer.one(b"gateway-reason")) == (413, b"enough", None)
        eventually(lambda: stage.upstream.peers[0].ended, 5)


@pytest.mark.parametrize("chunks", [b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"b\r\nhello world\r\n0\r\n\r\n"])
def test_p61_an_old_client_gets_no_chunks(stage: Stage, chunks: bytes) -> None:
    def script(peer: Peer) -> None:
        while peer.request() is not None:
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)

    stage.plays(script)
    with stage.client() as client:
        answer = client.ask(b"GET %b HTTP/1.0\r\nHost: gw.test\r\n\r\n" % stage.path().encode())
        assert (answer.status, answer.body) == (200, b"hello world")
        assert answer.all(b"transfer-encoding") == []
        assert client.ended()


UPGRADES = {
    "1.0 and websocket": ("1.0", "websocket"),
    "h2c": ("1.1", "h2c"),
    "TLS": ("1.1", "TLS/1.2"),
    "several": ("1.1", "h2c, websocket"),
}


@pytest.mark.parametrize(("version", "protocol"), UPGRADES.values(), ids=UPGRADES)
def test_p62_other_upgrades_are_ignored(stage: Stage, version: str, protocol: str) -> None:
    lines = [f"GET {stage.path()} HTTP/{version}", "Host: gw.test", "Connection: Upgrade, HTTP2-Settings"]
    lines += [f"Upgrade: {protocol}", "HTTP2-Settings: AAMAAABkAAQAAP__", "Sec-WebSocket-Version: 13", "", ""]
    with stage.client() as client:
        answer = client.ask("\r\n".join(lines).encode())
    assert (answer.status, answer.body) == (200, b"ok")
    assert not {name for name, _ in stage.seen.fields} & {b"upgrade", b"connection", b"http2-settings"}
