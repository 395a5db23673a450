"""P73-P75: bytes of one user's answer never reach another, who has a token and a connection of their own."""

import threading
import time

import pytest

from tests.conformance.stage import Granted, Stage, token
from tests.support.eventually import eventually
from tests.support.raw_upstream import Peer, ok

EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Evil: 1\r\n\r\nevil"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"


def assert_never_poisoned(stage: Stage, poison: bytes, method: str, alice: Granted, bob: Granted) -> None:
    """Alice's answer carries the poison; Bob's requests come in right behind it, on the other connection."""

    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            peer.send(poison if request.target == b"/alice" else ok(request.target))

    stage.plays(script)
    with stage.client() as hers, stage.client() as his:
        for number in range(5):
            hers.send(stage.request(method, "/alice", token(alice), kind="user"))
            if number % 2:
                hers.response(to_head=method == "HEAD")
            his.send(stage.request("GET", "/bob", token(bob), kind="user"))
            answer = his.response()
            assert (answer.status, answer.body, answer.all(b"x-evil")) == (200, b"/bob", [])
            if not number % 2:
                hers.response(to_head=method == "HEAD")
    bobs = bob["user_id"].encode()
    assert {seen.one(b"x-user-id") for seen in stage.upstream.requests if seen.target == b"/bob"} == {bobs}


@pytest.mark.parametrize(
    ("method", "poison"),
    [
        ("HEAD", ok(b"ok") + EVIL),
        ("HEAD", ok(EVIL)),
        ("GET", NO_CONTENT + EVIL),
        ("GET", NO_CONTENT + b"text"),
        ("GET", NOT_MODIFIED + EVIL),
        ("GET", NOT_MODIFIED + b"text"),
    ],
    ids=["HEAD and another", "HEAD with a body", "204 and another", "204 and text", "304 and another", "304 and text"],
)
def test_p73_a_body_where_none_may_be(stage: Stage, alice: Granted, bob: Granted, method: str, poison: bytes) -> None:
    assert_never_poisoned(stage, poison, method, alice, bob)


@pytest.mark.parametrize(
    ("method", "announced"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", NOT_MODIFIED),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n"),
    ],
    ids=["HEAD with a length", "HEAD in chunks", "304 with a length", "204 with a length"],
)
def test_p73_a_body_that_comes_late(stage: Stage, alice: Granted, bob: Granted, method: str, announced: bytes) -> None:
    """A server that sends the body it announced, though none may be, sends it in a write of its own."""

    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if request.target == b"/alice":
                peer.send(announced)
                time.sleep(0.2)
                peer.send(EVIL)
            else:
                peer.send(ok(request.target))

    stage.plays(script)
    with stage.client() as hers, stage.client() as his:
        hers.send(stage.request(method, "/alice", token(alice), kind="user"))
        hers.response(to_head=method == "HEAD")
        answer = his.ask(stage.request("GET", "/bob", token(bob), kind="user"))
        assert (answer.status, answer.body, answer.all(b"x-evil")) == (200, b"/bob", [])


@pytest.mark.parametrize(
    "poison",
    [ok() + EVIL, ok() + b"x", ok() + EVIL * 50, CHUNKED + EVIL, CHUNKED + b"\r\n" + EVIL, ok(b"") + EVIL],
    ids=["after the length", "one byte", "many", "after the last chunk", "after an empty line", "after nothing"],
)
def test_p74_bytes_behind_an_answer(stage: Stage, alice: Granted, bob: Granted, poison: bytes) -> None:
    assert_never_poisoned(stage, poison, "GET", alice, bob)


@pytest.mark.parametrize("unasked", [EVIL, b"x", b"HTTP/1.1 408 Request Timeout\r\n\r\n"], ids=["whole", "byte", "408"])
def test_p75_an_answer_nobody_asked_for(stage: Stage, alice: Granted, bob: Granted, unasked: bytes) -> None:
    """It is there before the next request: what comes later cannot be told from an answer to that one."""
    taken, pushed = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            peer.send(ok(request.target))
            if peer.number == 0:
                taken.wait(5)
                peer.send(unasked)
                pushed.set()

    stage.plays(script)
    with stage.client() as hers, stage.client() as his:
        assert hers.ask(stage.request("GET", "/alice", token(alice), kind="user")).body == b"/alice"
        taken.set()
        assert pushed.wait(5)
        answer = his.ask(stage.request("GET", "/bob", token(bob), kind="user"))
        assert (answer.status, answer.body) == (200, b"/bob")
        eventually(lambda: stage.upstream.peers[0].ended, 5)
    assert len(stage.upstream.peers) == 2
