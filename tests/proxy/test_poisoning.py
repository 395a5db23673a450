"""Bytes behind an answer are nobody's: the next user never gets them (RFC 9112 section 9.2)."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from tests.proxy.harness import forwarding_to
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, RawUpstream, Script, ok

EVIL = ok(b"evil", b"X-Evil: 1")
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"

LOOPS = [pytest.param(uvloop.new_event_loop, id="uvloop"), pytest.param(asyncio.new_event_loop, id="asyncio")]


def first_then_good(first: Callable[[Peer], None]) -> Script:
    """The very first request gets `first`, every other one a good answer that names its connection."""

    def script(peer: Peer) -> None:
        while peer.request() is not None:
            if peer.number == 0 and peer.served == 1:
                first(peer)
            else:
                peer.send(ok(b"good %d" % peer.number))

    return script


def two_users(first: Callable[[Peer], None], request: bytes, loop: Any, pause: float) -> list[RawMessage]:
    with (
        RawUpstream(first_then_good(first)) as upstream,
        forwarding_to(upstream.url, loop_factory=loop) as gateway,
        RawClient(gateway.port) as mallory,
        RawClient(gateway.port) as alice,
    ):
        answers = [mallory.ask(request)]
        time.sleep(pause)
        answers += [alice.ask(GET) for _ in range(3)]
        answers += [mallory.ask(GET)]
        assert upstream.hits == 5
        return answers


SURPLUS = {
    "behind Content-Length": (GET, ok(b"x") + EVIL),
    "behind an empty body": (GET, ok(b"") + EVIL),
    "behind the last chunk": (
        GET,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n" + EVIL,
    ),
    "behind a trailer": (
        GET,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n" + EVIL,
    ),
    "body on HEAD": (HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(EVIL) + EVIL),
    "body on 204": (GET, b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(EVIL) + EVIL),
    "body on 304": (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n" % len(EVIL) + EVIL),
    "a single byte": (GET, ok(b"x") + b"\n"),
    "more than a read": (GET, ok(b"x") + EVIL * 4000),
}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(("request_bytes", "raw"), list(SURPLUS.values()), ids=list(SURPLUS))
def test_surplus_in_the_same_packet_is_never_an_answer(loop: Any, request_bytes: bytes, raw: bytes) -> None:
    answers = two_users(lambda peer: peer.send(raw), request_bytes, loop, 0)
    assert [answer.body[:4] for answer in answers[1:]] == [b"good"] * 4
    assert b"evil" not in answers[0].body


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("delay", [0.0, 0.001, 0.02])
@pytest.mark.parametrize("gap", [0.05, 0.2])
def test_a_push_onto_an_idle_connection_is_never_an_answer(loop: Any, delay: float, gap: float) -> None:
    def first(peer: Peer) -> None:
        peer.send(ok(b"x"))
        time.sleep(delay)
        peer.send(EVIL)

    answers = two_users(first, GET, loop, gap)
    assert [answer.body[:4] for answer in answers[1:]] == [b"good"] * 4


def test_a_clean_connection_is_used_again() -> None:
    """The guard is not bought by giving up reuse."""
    with (
        RawUpstream() as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        for request in (GET, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", GET):
            assert client.ask(request).body == b"ok"
        assert (upstream.hits, len(upstream.peers)) == (3, 1)


@pytest.mark.parametrize(
    ("request_bytes", "head"),
    [
        (GET, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (GET, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        (HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
    ids=["chunked", "204", "304", "HEAD"],
)
def test_every_clean_end_lets_the_connection_live(request_bytes: bytes, head: bytes) -> None:
    answers = []
    with (
        RawUpstream(first_then_good(lambda peer: peer.send(head))) as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        answers += [client.ask(request_bytes), client.ask(GET)]
        assert len(upstream.peers) == 1
    assert answers[1].body == b"good 0"


@pytest.mark.parametrize("piece", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"evil"])
def test_surplus_that_trickles_in_while_the_body_is_relayed_is_dropped(piece: bytes) -> None:
    def first(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
        for _ in range(10):
            peer.send(b"a" * 20000)
        peer.send(piece)

    # What comes only after the next request has gone out, nobody could tell from its answer: hence the pause.
    answers = two_users(first, GET, uvloop.new_event_loop, 0.05)
    assert answers[0].body == b"a" * 200000
    assert [answer.body[:4] for answer in answers[1:]] == [b"good"] * 4
