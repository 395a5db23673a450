"""HTTP/2: nothing a client does makes anything pile up, or hurts other connections."""

import resource
import struct
import threading
import time

import pytest

from tests.server.h2_upstream import BIG, BigUpstream
from tests.support.echo_upstream import Echo
from tests.support.eventually import eventually
from tests.support.h2_client import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    RST,
    SETTINGS,
    WINDOW,
    H2Client,
    block,
    frame,
    request,
)
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway, running

FLOODS: dict[str, bytes] = {
    "continuations": frame(HEADERS, 0, 1, block(request()))
    + frame(CONTINUATION, 0, 1, block([(b"x", b"y" * 1000)] * 10)) * 100,
    "empty continuations": frame(HEADERS, 0, 1, block(request())) + frame(CONTINUATION, 0, 1) * 10_000,
    "resets": b"".join(
        frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, block(request(b"/any/x")))
        + frame(RST, 0, 2 * n + 1, struct.pack(">I", 8))
        for n in range(2_000)
    ),
    "bad frames": frame(DATA, 0, 0, b"x"),
    "data on no stream": frame(DATA, 0, 7, b"x"),
    "window of nothing": frame(WINDOW, 0, 0, bytes(4)),
    "frame too large": frame(DATA, 0, 1, bytes(20_000)),
    "settings out of range": frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 2**31)),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_abuse_ends_the_connection_and_nothing_else(both: RunningGateway, h2: H2Client, flood: bytes) -> None:
    with H2Client(both.port) as abuser:
        writing = threading.Thread(target=_write, args=(abuser, flood), daemon=True)
        writing.start()
        assert abuser.ended()
        writing.join(5)
    assert h2.ask(request()).status == 200


def _write(h2: H2Client, data: bytes) -> None:
    try:
        h2.send(data)
    except OSError:
        return


def test_surplus_connections_are_refused(both: RunningGateway) -> None:
    held = [H2Client(both.port) for _ in range(50)]
    try:
        eventually(lambda: _turned_away(both))
    finally:
        for each in held:
            each.sock.close()
    eventually(lambda: not _turned_away(both))


def _turned_away(gateway: RunningGateway) -> bool:
    with RawClient(gateway.port) as surplus:
        try:
            return surplus.ask(b"GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n").status == 503
        except ConnectionError:
            return True


def memory(gateway: RunningGateway) -> int:
    """Resident bytes of the gateway's process."""
    assert gateway.process is not None
    with open(f"/proc/{gateway.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def test_an_answer_nobody_reads_is_not_collected(both: RunningGateway, big: BigUpstream) -> None:
    with H2Client(both.port, window=0) as client:
        before = memory(both)
        streams = [client.open(request(b"/big/x")) for _ in range(12)]
        while not all(client.answers[stream].status for stream in streams):
            assert client.read()
        time.sleep(0.5)
        assert memory(both) - before < 24 * 1024 * 1024
        client.send(frame(WINDOW, 0, 0, struct.pack(">I", BIG)))
        client.send(frame(WINDOW, 0, streams[0], struct.pack(">I", BIG)))
        answer = client.answer(streams[0])
        assert (len(answer.body), answer.ended) == (BIG, True)


def test_an_answer_that_stays_unread_is_given_up(both: RunningGateway) -> None:
    with H2Client(both.port, window=1000) as client:
        client.granting = False
        begun = time.monotonic()
        unread = client.answer(client.open(request(b"/big/x")))
        assert (len(unread.body), unread.reset) == (1000, 8)
        assert 1.5 < time.monotonic() - begun < 4
        client.granting = True
        assert client.ask(request()).status == 200


def test_pings_that_nobody_reads_the_answers_of_do_not_pile_up(both: RunningGateway) -> None:
    with H2Client(both.port, timeout=1) as client:
        before = memory(both)
        try:
            for _ in range(400):
                client.send(frame(PING, 0, 0, bytes(8)) * 5_000)
        except OSError:
            pass
        assert memory(both) - before < 16 * 1024 * 1024


def test_an_upload_nobody_takes_is_not_read(both: RunningGateway) -> None:
    with H2Client(both.port, timeout=1) as client:
        before = memory(both)
        stream = client.open(request(b"/big/unread", (b"content-length", b"10000000"), method=b"POST"), end=False)
        sent = 0
        try:
            while sent < 9_000_000:
                client.data(stream, b"x" * 16_000)
                sent += 16_000
        except OSError:
            pass
        assert memory(both) - before < 24 * 1024 * 1024


def test_a_stream_the_client_gives_up_leaves_its_upstream(both: RunningGateway, big: BigUpstream) -> None:
    before = len(big.stuck)
    with H2Client(both.port) as client:
        stream = client.open(request(b"/big/never"))
        eventually(lambda: len(big.stuck) > before)
        client.send(frame(RST, 0, stream, struct.pack(">I", 8)))
        eventually(lambda: big.stuck[-1].ended)
        assert client.ask(request()).status == 200


def test_a_connection_that_is_lost_leaves_its_upstreams(both: RunningGateway, big: BigUpstream) -> None:
    before = len(big.stuck)
    with H2Client(both.port) as client:
        for _ in range(3):
            client.open(request(b"/big/never"))
        eventually(lambda: len(big.stuck) == before + 3)
    eventually(lambda: all(peer.ended for peer in big.stuck[before:]))


def test_an_answer_cut_short_never_looks_whole(h2: H2Client) -> None:
    answer = h2.ask(request(b"/big/cut"))
    assert (answer.status, answer.body, answer.ended) == (200, b"half", False)
    assert answer.reset == 2
    assert h2.ask(request()).status == 200


def test_many_streams_at_once_are_answered_each(h2: H2Client) -> None:
    streams = [h2.open(request(b"/public/%d" % number)) for number in range(100)]
    lines = [Echo.of(h2.answer(stream).body).line for stream in streams]
    assert lines == [f"GET /public/{number} HTTP/1.1" for number in range(100)]


def test_a_drain_finishes_what_runs_and_takes_nothing_new(
    tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream
) -> None:
    gateway = RunningGateway(tmp_path_factory.mktemp("h2-drain"), upstream=echo.url)
    gateway.config.write_text(gateway.config.read_text().replace("server:\n", "server:\n  http2: true\n", 1))
    gateway.start()
    with H2Client(gateway.port) as client:
        slow = client.open(request(b"/public/x?sleep=1"))
        time.sleep(0.3)
        assert gateway.process is not None
        gateway.process.terminate()
        while client.goaway is None:
            assert client.read()
        late = client.open(request())
        assert client.answer(late).reset == 7
        assert client.answer(slow).status == 200
        assert client.ended()
    assert gateway.process.wait(10) == 0
    gateway.http.close()


def test_without_the_key_nothing_but_http_1_is_spoken(
    tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream
) -> None:
    with running(tmp_path_factory.mktemp("h1"), upstream=echo.url) as gateway, RawClient(gateway.port) as raw:
        raw.send(PREFACE)
        assert raw.response().status == 400
