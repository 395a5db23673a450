"""Server-sent events and other answers without an announced end."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.sessions.events import EventKind, RevocationEvent
from tests.proxy.harness import ANN, ForwardServer, forwarding_to, route_for
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import Peer, RawUpstream, Script

GET = b"GET /events HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = HEAD % b"text/event-stream; charset=utf-8"
OTHER = HEAD % b"application/x-ndjson"
SESSION_ENDED = RevocationEvent(EventKind.SESSION_ENDED, ANN.session_id or "", expires_at=2_000_000_000)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Stream:
    """An upstream that sends what the test says when it says so."""

    def __init__(self, head: bytes = EVENTS) -> None:
        self.head = head
        self.peer: Peer | None = None
        self.left = threading.Event()

    def __call__(self, peer: Peer) -> None:
        peer.head()
        peer.send(self.head)
        self.peer = peer
        while peer.reader.more():
            pass
        self.left.set()

    def send(self, data: bytes) -> None:
        eventually(lambda: self.peer is not None)
        if self.peer is not None:
            self.peer.send(chunk(data))


async def hear(gateway: ForwardServer, event: RevocationEvent) -> None:
    gateway.revocations.apply(event)


@contextmanager
def listening(stream: Script, **setting: Any) -> Iterator[tuple[RawClient, ForwardServer]]:
    """A client that has the head of its answer, and the gateway in between."""
    with RawUpstream(stream) as upstream, forwarding_to(upstream.url, **setting) as gateway:
        gateway.call(gateway.live.open())
        with RawClient(gateway.port) as client:
            client.send(GET)
            head = client.reader.until(b"\r\n\r\n")
            assert head is not None
            assert b"content-encoding" not in head.lower()
            yield client, gateway
        gateway.call(gateway.live.close())


def test_each_event_arrives_at_once() -> None:
    stream = Stream()
    with listening(stream) as (client, _):
        for number in range(10):
            time.sleep(0.05)
            event = b"data: %d\n\n" % number
            sent_at = time.monotonic()
            stream.send(event)
            assert client.reader.until(b"\n\n\r\n") == chunk(event)[:-4]
            assert time.monotonic() - sent_at < 0.05


def test_events_may_be_far_apart_though_other_answers_may_not() -> None:
    stream = Stream()
    with listening(stream, idle_timeout=0.3) as (client, _):
        time.sleep(2.5)
        stream.send(b"data: late\n\n")
        assert client.reader.until(b"\n\n\r\n") is not None


@pytest.mark.parametrize(("head", "own"), [(OTHER, None), (EVENTS, 0.3)], ids=["other answers", "the route says so"])
def test_where_the_idle_timeout_holds_the_answer_is_cut_short(head: bytes, own: float | None) -> None:
    route = route_for(idle_timeout=own)
    stream = Stream(head)
    with listening(stream, idle_timeout=0.3, route=route) as (client, _):
        assert client.reader.rest() == b""
        assert stream.left.wait(1)


def test_a_client_that_leaves_takes_its_upstream_connection_along() -> None:
    stream = Stream()
    with listening(stream) as (client, _):
        left_at = time.monotonic()
        client.close()
        assert stream.left.wait(1)
        assert time.monotonic() - left_at < 0.5


def test_an_event_stream_ends_as_if_complete_when_the_session_ends() -> None:
    stream = Stream()
    with listening(stream) as (client, gateway):
        stream.send(b"data: 1\n\n")
        client.reader.until(b"\n\n\r\n")
        gateway.call(hear(gateway, SESSION_ENDED))
        assert client.reader.exactly(5) == b"0\r\n\r\n"
        assert stream.left.wait(1)
        # The connection is sound: the next request is judged for itself.
        client.send(GET)
        assert b"200" in (client.reader.until(b"\r\n\r\n") or b"")


def test_another_stream_is_broken_off_so_that_nobody_takes_it_for_whole() -> None:
    stream = Stream(OTHER)
    with listening(stream) as (client, gateway):
        stream.send(b'{"n": 1}\n')
        client.reader.until(b"\n\r\n")
        gateway.call(hear(gateway, SESSION_ENDED))
        assert client.reader.rest() == b""
        assert stream.left.wait(1)
        eventually(lambda: len(gateway.finished.contexts) == 1)
        reason = gateway.finished.contexts[0].reason
        assert reason is not None
        assert reason.word == "token-revoked"


def test_a_stream_whose_client_does_not_read_is_broken_off() -> None:
    stream = Stream()
    with listening(stream) as (client, gateway):

        def flood() -> None:
            try:
                while True:
                    stream.send(b"x" * 65536)
            except OSError:
                stream.left.set()

        threading.Thread(target=flood, daemon=True).start()
        time.sleep(0.5)
        gateway.call(hear(gateway, SESSION_ENDED))
        eventually(lambda: len(gateway.finished.contexts) == 1, 2)
        assert not client.reader.rest().endswith(b"0\r\n\r\n")


def test_a_download_of_known_length_runs_to_its_end() -> None:
    stream = Stream(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    with listening(stream) as (client, gateway):
        gateway.call(hear(gateway, SESSION_ENDED))
        eventually(lambda: stream.peer is not None)
        if stream.peer is not None:
            stream.peer.send(b"0123456789")
        assert client.reader.exactly(10) == b"0123456789"


def test_what_ends_by_itself_is_watched_no_longer() -> None:
    def script(peer: Peer) -> None:
        while peer.request() is not None:
            peer.send(EVENTS + chunk(b"data: 1\n\n"))
            time.sleep(0.02)
            peer.send(b"0\r\n\r\n")

    with RawUpstream(script) as upstream, forwarding_to(upstream.url) as gateway:
        gateway.call(gateway.live.open())
        with RawClient(gateway.port) as client:
            for _ in range(5):
                assert client.ask(GET).body == b"data: 1\n\n"
        assert gateway.live.watched == 0
        gateway.call(gateway.live.close())
