"""Request bodies: limits, 100-continue, answers that come before the body is there."""

import threading
import time

import pytest

from tests.proxy.harness import forwarding_to, route_for
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import Peer, RawUpstream, Script, answers, ok

CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


def sized(length: int, *fields: bytes) -> bytes:
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: h", *fields, b"Content-Length: %d" % length, b"", b""])


def test_a_declared_length_over_the_limit_is_refused_before_anything_is_sent() -> None:
    with (
        RawUpstream() as upstream,
        forwarding_to(upstream.url, body_limit=100) as gateway,
        RawClient(gateway.port) as client,
    ):
        answer = client.ask(sized(101))
        assert (answer.status, answer.one(b"gateway-reason")) == (413, b"body-too-large")
        assert upstream.peers == []


@pytest.mark.parametrize("own", [10, 1000], ids=["stricter", "looser"])
def test_a_routes_own_limit_wins(own: int) -> None:
    with (
        RawUpstream() as upstream,
        forwarding_to(upstream.url, body_limit=100, route=route_for(body_limit=own)) as gateway,
        RawClient(gateway.port) as client,
    ):
        assert client.ask(sized(50) + b"x" * 50).status == (413 if own < 50 else 200)


def test_a_body_of_exactly_the_limit_passes() -> None:
    with (
        RawUpstream() as upstream,
        forwarding_to(upstream.url, body_limit=5) as gateway,
        RawClient(gateway.port) as client,
    ):
        assert client.ask(sized(5) + b"hello").status == 200
        assert client.ask(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n").status == 200


def test_a_body_that_grows_over_the_limit_is_refused_and_the_upstream_sees_no_end() -> None:
    ends: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.head()
        ends.append(peer.reader.rest())

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, body_limit=100) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(CHUNKED + b"40\r\n" + b"x" * 64 + b"\r\n")
        eventually(lambda: upstream.hits == 1)
        client.send(b"40\r\n" + b"x" * 64 + b"\r\n")
        assert client.response().status == 413
        eventually(lambda: bool(ends))
    assert not ends[0].endswith(b"0\r\n\r\n")


def test_100_continue_is_sent_once_and_only_when_the_body_is_wanted() -> None:
    with (
        RawUpstream() as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(sized(5, b"Expect: 100-continue"))
        assert client.reader.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        client.send(b"hello")
        assert client.reader.until(b" ") == b"HTTP/1.1"
        assert client.reader.until(b"\r\n") == b"200 OK"
        assert (upstream.requests[0].body, upstream.requests[0].all(b"expect")) == (b"hello", [])


def test_a_body_that_is_refused_is_never_asked_for() -> None:
    with (
        RawUpstream() as upstream,
        forwarding_to(upstream.url, body_limit=3) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(sized(5, b"Expect: 100-continue"))
        head = client.reader.until(b"\r\n\r\n")
        assert head is not None
        assert head.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("head", [sized(1_000_000), CHUNKED], ids=["sized", "chunked"])
def test_an_answer_before_the_body_is_there_reaches_the_client(head: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.head()
        peer.send(ok(b"no thanks", b"Connection: close", status=b"413 Too Large"))
        peer.gone()

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(head + b"5\r\nhello\r\n")
        answer = client.response()
        assert (answer.status, answer.body) == (413, b"no thanks")
        eventually(lambda: not upstream.errors and upstream.peers[0].ended)


def test_an_early_answer_passes_while_the_upstream_reads_nothing_more() -> None:
    def script(peer: Peer) -> None:
        peer.head()
        peer.send(ok(b"enough", status=b"400 Bad"))
        time.sleep(0.5)

    with (
        RawUpstream(script, receive_buffer=4096) as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        body = threading.Thread(target=_send_quietly, args=(client, sized(8_000_000) + b"x" * 8_000_000))
        body.start()
        assert client.response().body == b"enough"
        body.join()


def test_both_directions_run_at_the_same_time() -> None:
    def script(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (size := peer.reader.until(b"\r\n")) not in (None, b"0"):
            piece = peer.reader.exactly(int(size or b"0", 16))
            peer.reader.until(b"\r\n")
            peer.send(b"%x\r\n%b\r\n" % (len(piece), piece.upper()))
        peer.send(b"0\r\n\r\n")

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(CHUNKED)
        assert client.reader.until(b"\r\n\r\n") is not None
        for word in (b"one", b"two", b"six"):
            client.send(b"3\r\n" + word + b"\r\n")
            assert client.reader.until(word.upper()) is not None
        client.send(b"0\r\n\r\n")
        assert client.reader.until(b"0\r\n\r\n") is not None


def test_an_interim_response_does_not_stop_the_body() -> None:
    def script(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        body = peer.reader.exactly(10)
        peer.send(ok(body))

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(sized(10) + b"hello")
        time.sleep(0.1)
        client.send(b"world")
        assert client.response().body == b"helloworld"


def test_a_body_over_the_limit_behind_an_early_answer_breaks_the_connection_off() -> None:
    def script(peer: Peer) -> None:
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        peer.gone()

    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url, body_limit=10) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.send(CHUNKED)
        assert client.reader.until(b"\r\na\r\n") is not None
        client.send(b"14\r\n" + b"x" * 20 + b"\r\n")
        assert not client.reader.rest().endswith(b"0\r\n\r\n")
        assert gateway.finished.contexts[0].status == 200


def test_bytes_are_counted() -> None:
    script: Script = answers(ok(b"12345"))
    with (
        RawUpstream(script) as upstream,
        forwarding_to(upstream.url) as gateway,
        RawClient(gateway.port) as client,
    ):
        client.ask(sized(7) + b"1234567")
        eventually(lambda: bool(gateway.finished.contexts))
        context = gateway.finished.contexts[0]
    assert (context.status, context.bytes_in, context.bytes_out, context.upstream) == (200, 7, 5, "svc")
    assert context.upstream_seconds is not None
    assert 0 < context.upstream_seconds < 1


def _send_quietly(client: RawClient, data: bytes) -> None:
    try:
        client.send(data)
    except OSError:
        return
