"""Large bodies and slow readers: memory stays flat, and pressure reaches the sender."""

import hashlib
import os
import socket
import threading
import time
from pathlib import Path

from tests.proxy.harness import forwarding_to
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient, get
from tests.support.raw_upstream import Peer, RawUpstream, ok

MIB = 1024 * 1024
PIECE = os.urandom(MIB)
SIZE = 64 * MIB
DIGEST = hashlib.sha256(PIECE * 64).hexdigest()


def resident() -> int:
    """Bytes of this process, which holds client, gateway and upstream, in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def swallow(sock: socket.socket, first: bytes, size: int) -> str:
    digest, left = hashlib.sha256(first), size - len(first)
    while left:
        data = sock.recv(65536)
        if not data:
            raise EOFError(left)
        digest.update(data)
        left -= len(data)
    return digest.hexdigest()


def test_64_mib_up_arrive_unchanged_in_flat_memory() -> None:
    digests: list[str] = []

    def script(peer: Peer) -> None:
        peer.head()
        digests.append(swallow(peer.sock, peer.reader.buffer, SIZE))
        peer.send(ok())

    with RawUpstream(script, timeout=20) as upstream, forwarding_to(upstream.url) as gateway:
        get_baseline = resident()
        with RawClient(gateway.port, timeout=20) as client:
            client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % SIZE)
            for _ in range(64):
                client.send(PIECE)
            assert client.response().status == 200
        assert resident() - get_baseline < 16 * MIB
    assert digests == [DIGEST]


def test_64_mib_down_arrive_unchanged_in_flat_memory() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(64):
            peer.send(PIECE)

    with RawUpstream(script, timeout=20) as upstream, forwarding_to(upstream.url) as gateway:
        before = resident()
        with RawClient(gateway.port, timeout=20) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert client.reader.until(b"\r\n\r\n") is not None
            assert swallow(client.sock, client.reader.buffer, SIZE) == DIGEST
        assert resident() - before < 16 * MIB


def test_a_client_that_stops_reading_stops_the_upstream() -> None:
    sent = [0]

    def script(peer: Peer) -> None:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(SIZE // 65536):
            peer.sock.sendall(PIECE[:65536])
            sent[0] += 65536

    with RawUpstream(script, timeout=20) as upstream, forwarding_to(upstream.url) as gateway:
        before = resident()
        with RawClient(gateway.port, timeout=20) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            eventually(lambda: sent[0] > 0)
            stalled_at = _when_still(sent)
            # What is on its way is in the kernel's socket buffers; the gateway itself holds next to nothing.
            assert stalled_at < 24 * MIB
            assert resident() - before < 8 * MIB
            assert client.reader.until(b"\r\n\r\n") is not None
            swallow(client.sock, client.reader.buffer, SIZE)
        assert sent[0] == SIZE


def test_an_upstream_that_stops_reading_stops_the_client() -> None:
    release = threading.Event()

    def script(peer: Peer) -> None:
        peer.head()
        release.wait(10)
        swallow(peer.sock, peer.reader.buffer, SIZE)
        peer.send(ok())

    with RawUpstream(script, timeout=20, receive_buffer=65536) as upstream, forwarding_to(upstream.url) as gateway:
        before, sent = resident(), [0]

        def upload(client: RawClient) -> None:
            client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % SIZE)
            for _ in range(SIZE // 65536):
                client.send(PIECE[:65536])
                sent[0] += 65536

        with RawClient(gateway.port, timeout=20) as client:
            sender = threading.Thread(target=upload, args=(client,))
            sender.start()
            eventually(lambda: sent[0] > 0)
            assert _when_still(sent) < 24 * MIB
            assert resident() - before < 8 * MIB
            release.set()
            sender.join()
            assert client.response().status == 200


def test_a_slow_reader_holds_up_nobody_else() -> None:
    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if request.target == b"/large":
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
                for _ in range(64):
                    peer.send(PIECE)
            else:
                peer.send(ok())

    with RawUpstream(script, timeout=20) as upstream, forwarding_to(upstream.url) as gateway:
        with RawClient(gateway.port) as slow:
            slow.send(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
            eventually(lambda: upstream.hits == 1)
            started = time.monotonic()
            assert [get(gateway.port).status for _ in range(20)] == [200] * 20
            assert time.monotonic() - started < 1.0
        eventually(lambda: len(gateway.finished.contexts) == 21)


def _when_still(counter: list[int]) -> int:
    """The value at which the counter stands still for 0.2 s."""
    seen = -1
    while counter[0] != seen:
        seen = counter[0]
        time.sleep(0.2)
    return seen
