"""P96-P107: what goes wrong between the gateway and its upstreams, and where it may not look for them."""

import json
import re
import time
from collections import Counter

import pytest

from tests.conformance.stage import Stage, head
from tests.conformance.strict_gateway import StrictGateway
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, RawUpstream, answers, ok


@pytest.mark.parametrize("path", ["/nobody/x", "/nameless/x", "/deaf/x"])
def test_p96_no_connection_is_a_bad_gateway(stage: Stage, path: str) -> None:
    """Refused, unknown, not to be heard of: within the time to connect, which is a second or two."""
    begun = time.monotonic()
    with stage.client() as client:
        answer = client.ask(head("GET", path))
    assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-unreachable")
    assert time.monotonic() - begun < 5


RUBBISH = {
    "nothing": b"",
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "an invalid field": b"HTTP/1.1 200 OK\r\nX-A\r\nContent-Length: 2\r\n\r\nok",
    "a space in a name": b"HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 2\r\n\r\nok",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nok",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 20_000,
}


@pytest.mark.parametrize("rubbish", RUBBISH.values(), ids=RUBBISH)
def test_p97_no_valid_answer_is_a_bad_gateway(stage: Stage, rubbish: bytes) -> None:
    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(rubbish)

    stage.plays(script)
    answer = stage.ask()
    assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid")
    assert stage.upstream.hits == 1


def test_p98_no_answer_in_time_is_a_gateway_timeout(stage: Stage) -> None:
    """This route waits for half a second."""

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.gone()

    stage.plays(script)
    begun = time.monotonic()
    answer = stage.ask("GET", "/", kind="hasty")
    assert (answer.status, answer.one(b"gateway-reason")) == (504, b"upstream-timeout")
    assert 0.4 < time.monotonic() - begun < 5
    eventually(lambda: stage.upstream.peers[0].ended)


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json"])
@pytest.mark.parametrize("path", ["/nobody/x", "/nameless/x", "/deaf/x", "/nothing/x"])
def test_p99_an_error_tells_nothing_of_the_inside(stage: Stage, path: str, accept: str) -> None:
    """A problem document whatever is accepted: the contract knows no other form."""
    with stage.client() as client:
        answer = client.ask(head("GET", path, f"Accept: {accept}"))
    assert answer.one(b"content-type") == b"application/problem+json"
    problem = json.loads(answer.body)
    assert problem["request_id"].encode() == answer.one(b"x-request-id")
    text = (answer.head + answer.body).lower()
    assert not re.search(rb"127\.0\.0\.1|invalid:|errno|error:|exception|traceback|\.py|getaddrinfo", text)


def hangs_up_on_reuse(peer: Peer) -> None:
    """The first connection takes a second request, and closes without a word."""
    while (request := peer.request()) is not None:
        if peer.number == 0 and peer.served == 2:
            return
        peer.send(ok(request.target))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_p100_a_dead_idle_connection_is_made_good_once(stage: Stage, method: str) -> None:
    stage.plays(hangs_up_on_reuse)
    assert stage.ask("GET", "/first").body == b"/first"
    assert stage.ask(method, "/second").status == 200
    assert [request.target for request in stage.upstream.requests] == [b"/first", b"/second", b"/second"]
    assert len(stage.upstream.peers) == 2


@pytest.mark.parametrize(("method", "body"), [("POST", b""), ("POST", b"hello"), ("PATCH", b"hello")])
def test_p100_what_may_not_be_sent_twice_is_not(stage: Stage, method: str, body: bytes) -> None:
    stage.plays(hangs_up_on_reuse)
    stage.ask("GET", "/first")
    answer = stage.ask(method, "/second", f"Content-Length: {len(body)}", body=body)
    assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid")
    assert (stage.upstream.hits, len(stage.upstream.peers)) == (2, 1)


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_p101_nothing_is_sent_again_after_the_first_byte(stage: Stage, begun: bytes) -> None:
    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(ok())
            if peer.request() is not None:
                peer.send(begun)

    stage.plays(script)
    assert stage.ask("GET", "/first").status == 200
    assert stage.ask("GET", "/second").status == 502
    assert (stage.upstream.hits, len(stage.upstream.peers)) == (2, 1)


def all_at_once(clients: list[RawClient], request: bytes) -> list[RawMessage]:
    for client in clients:
        client.send(request)
    found = [client.response() for client in clients]
    for client in clients:
        client.close()
    return found


def test_p102_a_crowd_is_served_or_told_to_come_back(stage: Stage) -> None:
    """An upstream has 256 connections, and who gets none within two seconds is refused."""

    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            time.sleep(3 if request.target == b"/slow" else 0)
            peer.send(ok())

    stage.plays(script)
    found = all_at_once([stage.client() for _ in range(350)], stage.request("GET", "/slow"))
    statuses = Counter(answer.status for answer in found)
    assert (statuses[200], statuses[503]) == (256, 94)
    refused = [answer for answer in found if answer.status == 503]
    assert {answer.one(b"gateway-reason") for answer in refused} == {b"upstream-unavailable"}
    assert all(int(answer.one(b"retry-after") or 0) > 0 for answer in refused)
    assert stage.ask().status == 200


def test_p103_one_slow_upstream_holds_up_no_other(strict: StrictGateway) -> None:
    """This one has two connections and room for two who wait, all of them taken."""

    def script(peer: Peer) -> None:
        while peer.request() is not None:
            time.sleep(1)
            peer.send(ok())

    strict.slow.script = script
    crowd = [strict.client() for _ in range(6)]
    for client in crowd:
        client.send(head("GET", "/tight/x"))
    eventually(lambda: strict.slow.hits == 2, 5)
    begun = time.monotonic()
    with strict.client() as other:
        for _ in range(20):
            assert other.ask(head("GET", "/public/x")).status == 200
    assert time.monotonic() - begun < 0.8
    assert Counter(client.response().status for client in crowd) == {200: 2, 503: 4}
    for client in crowd:
        client.close()


def test_p104_the_environment_names_no_proxy(stage: Stage, trap: RawUpstream) -> None:
    """HTTP_PROXY and its kin are set for this gateway, SSL_CERT_FILE is too, and a client may say `Proxy:`."""
    assert stage.ask("GET", "/x", f"Proxy: {trap.url}").status == 200
    assert stage.seen.start == b"GET /x HTTP/1.1"
    assert stage.seen.all(b"proxy") == []
    assert (trap.hits, trap.peers) == (0, [])


def test_p105_idle_connections_are_let_go_before_the_upstream_does(stage: Stage) -> None:
    """Most upstreams close after five seconds; the client's own connection stays."""
    stage.plays(answers(ok()))
    with stage.client() as client:
        assert client.ask(stage.request()).status == 200
        begun = time.monotonic()
        eventually(lambda: stage.upstream.peers[0].ended, 8)
        assert 2 < time.monotonic() - begun < 4.99
        assert client.ask(stage.request()).status == 200
    assert len(stage.upstream.peers) == 2


def test_p106_a_secure_upstream_is_verified(strict: StrictGateway) -> None:
    with strict.client() as client:
        assert client.ask(head("GET", "/secure/x")).status == 200
    assert strict.secure.names[-1] == "localhost"
    peer = strict.secure.peers[-1]
    assert peer.sock.selected_alpn_protocol() in (None, "http/1.1")  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/unknown-ca/x", "/other-name/x"])
def test_p106_a_stranger_gets_no_request(strict: StrictGateway, path: str) -> None:
    """Neither encrypted nor, as a way out, in the clear."""
    hits = strict.secure.hits
    with strict.client() as client:
        answer = client.ask(head("GET", path))
    assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-unreachable")
    assert strict.secure.hits == hits


def test_p107_new_connections_go_where_the_upstream_is_now(strict: StrictGateway) -> None:
    """It moves in the file system, as no test can move a name of the DNS; that names are asked for again is tested
    with the resolver."""
    with strict.client() as client:
        for body in (b"old", b"new"):
            strict.socket.unlink(missing_ok=True)
            with RawUpstream(answers(ok(body)), path=strict.socket) as upstream:
                assert client.ask(head("GET", "/moving/x")).body == body
                assert upstream.hits == 1


def test_p107_an_upstream_that_comes_back_is_found(strict: StrictGateway) -> None:
    strict.socket.unlink(missing_ok=True)
    with strict.client() as client:
        assert client.ask(head("GET", "/moving/x")).status == 502
        with RawUpstream(path=strict.socket):
            assert client.ask(head("GET", "/moving/x")).status == 200
