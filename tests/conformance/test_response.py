"""P63-P72, P76-P85: an answer reaches the client as the upstream meant it, or not at all."""

import gzip

import pytest

from tests.conformance.stage import Granted, Stage, token
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, answers, ok


def answered(stage: Stage, response: bytes, method: str = "GET", *fields: str) -> RawMessage:
    """What the client gets when the upstream says `response`."""
    stage.plays(answers(response))
    return stage.ask(method, "/", *fields)


def assert_invalid(answer: RawMessage) -> None:
    assert (answer.status, answer.one(b"gateway-reason")) == (502, b"upstream-invalid"), answer.head


@pytest.mark.parametrize("status", [b"200 OK", b"299 Odd", b"418 I'm a teapot", b"404 ", b"503", b"599 caf\xe9"])
def test_p63_any_status_is_passed_on(stage: Stage, status: bytes) -> None:
    answer = answered(stage, ok(b"body", status=status))
    assert (answer.status, answer.body) == (int(status[:3]), b"body")
    assert answer.one(b"gateway-reason") is None


@pytest.mark.parametrize("status", [b"999 Odd", b"600 Odd"])
def test_p64_a_status_that_does_not_exist_is_a_bad_gateway(stage: Stage, status: bytes) -> None:
    assert_invalid(answered(stage, ok(b"body", status=status)))


def test_p65_cookies_stay_apart(stage: Stage) -> None:
    cookies = [b"a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT", b"b=2; Path=/", b"a=3"]
    answer = answered(stage, ok(b"ok", *[b"Set-Cookie: " + cookie for cookie in cookies]))
    assert answer.all(b"set-cookie") == cookies


def test_p66_nobody_gets_anothers_cookie(stage: Stage, alice: Granted, bob: Granted) -> None:
    stage.plays(answers(ok(b"ok", b"Set-Cookie: session=alice; Path=/")))
    for who in (alice, bob):
        assert stage.ask("GET", "/", token(who), kind="user").status == 200
        assert stage.seen.all(b"cookie") == []
    assert len(stage.upstream.peers) == 1


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See Other", b"307 X", b"308 X"])
def test_p67_redirects_are_the_clients_business(stage: Stage, status: bytes) -> None:
    answer = answered(stage, ok(b"", b"Location: http://internal:8000/x?a=%zz", status=status))
    assert (answer.status, answer.one(b"location")) == (int(status[:3]), b"http://internal:8000/x?a=%zz")
    assert stage.upstream.hits == 1


BODIES = {"gzip": gzip.compress(b"hello" * 500), "br": b"\x0b\x02\x80hello\x03", "zstd": b"(\xb5/\xfd", "odd": b"\0"}


@pytest.mark.parametrize("coding", ["gzip"])
def test_p68_a_compressed_answer_keeps_its_length(stage: Stage, coding: str) -> None:
    body = BODIES[coding]
    answer = answered(stage, ok(body, b"Content-Encoding: gzip", b"Vary: accept-encoding", b'ETag: "x"'))
    assert answer.body == body
    assert answer.one(b"content-length") == str(len(body)).encode()
    assert (answer.one(b"content-encoding"), answer.one(b"etag")) == (b"gzip", b'"x"')


@pytest.mark.parametrize("coding", BODIES)
def test_p69_codings_are_not_looked_into(stage: Stage, coding: str) -> None:
    body = b"garbage" + BODIES[coding]
    answer = answered(stage, ok(body, b"Content-Encoding: " + coding.encode()))
    assert (answer.body, answer.one(b"content-encoding")) == (body, coding.encode())


def test_p70_a_304_keeps_its_fields(stage: Stage) -> None:
    response = b'HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: "x"\r\n\r\n'
    stage.plays(answers(response, ok()))
    with stage.client() as client:
        answer = client.ask(stage.request("GET", "/", 'If-None-Match: "x"'))
        assert (answer.status, answer.one(b"content-length"), answer.one(b"etag")) == (304, b"77", b'"x"')
        assert client.ask(stage.request()).status == 304


def test_p71_a_204_has_no_length(stage: Stage) -> None:
    stage.plays(answers(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", ok()))
    with stage.client() as client:
        answer = client.ask(stage.request())
        assert (answer.status, answer.all(b"content-length"), answer.all(b"transfer-encoding")) == (204, [], [])
        assert client.ask(stage.request()).body == b"ok"


@pytest.mark.parametrize("framing", [b"Content-Length: 1234", b"Transfer-Encoding: chunked", b"X-No: framing"])
def test_p72_the_answer_to_head_keeps_its_length(stage: Stage, framing: bytes) -> None:
    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            to_head = request.start.startswith(b"HEAD ")
            peer.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" if to_head else ok())

    stage.plays(script)
    with stage.client() as client:
        answer = client.ask(stage.request("HEAD"))
        expected = [b"1234"] if framing.startswith(b"Content-Length") else []
        assert (answer.status, answer.all(b"content-length")) == (200, expected)
        assert client.ask(stage.request()).body == b"ok"


def test_p76_the_upstreams_hop_by_hop_fields_end_here(stage: Stage) -> None:
    fields = [b"Connection: X-Int, Keep-Alive", b"X-Int: 1", b"Keep-Alive: timeout=5", b"Upgrade: h2c"]
    fields += [b"Proxy-Authenticate: Basic", b"Proxy-Connection: close", b"Gateway-Reason: role-missing", b"TE: x"]
    answer = answered(stage, ok(b"ok", *fields, b"X-End: 2"))
    names = [name for name, _ in answer.fields]
    assert sorted(names) == [b"content-length", b"date", b"x-end", b"x-request-id"]


def test_p77_the_clients_connection_outlives_the_upstreams(stage: Stage) -> None:
    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(ok(b"ok", b"Connection: close"))

    stage.plays(script)
    with stage.client() as client:
        for _ in range(3):
            answer = client.ask(stage.request())
            assert (answer.body, answer.all(b"connection")) == (b"ok", [])
    assert len(stage.upstream.peers) == 3


CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.mark.parametrize("lines", [CHUNKED + b"Content-Length: 3\r\n", b"Content-Length: 3\r\n" + CHUNKED])
def test_p78_a_length_beside_a_coding_is_never_passed_on(stage: Stage, lines: bytes) -> None:
    answer = answered(stage, b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n5\r\nhello\r\n0\r\n\r\n")
    if answer.status == 200:
        assert (answer.body, answer.all(b"content-length")) == (b"hello", [])
    else:
        assert_invalid(answer)


@pytest.mark.parametrize("second", [b"3", b"2"], ids=["differing", "the same"])
def test_p79_two_lengths_are_a_bad_gateway(stage: Stage, second: bytes) -> None:
    """RFC 9112 section 6.3 allows to take two equal ones for one; it is not done here."""
    assert_invalid(answered(stage, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: %b\r\n\r\nok!" % second))


@pytest.mark.parametrize("value", [b"a\0b", b"a\rb", b"a\r\rb", b"a\x01b", b"a\x7fb"])
def test_p80_a_control_character_is_a_bad_gateway(stage: Stage, value: bytes) -> None:
    assert_invalid(answered(stage, ok(b"ok", b"X-A: " + value)))


def test_p81_a_folded_field_is_unfolded_or_refused(stage: Stage) -> None:
    answer = answered(stage, ok(b"ok", b"X-A: 1\r\n 2", b"X-B: 3"))
    if answer.status == 200:
        assert (answer.one(b"x-a"), answer.one(b"x-b")) == (b"1 2", b"3")
    else:
        assert_invalid(answer)


@pytest.mark.parametrize(
    "response",
    [b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"HTTP/1.1 200 OK\r\nX-A: 1\nContent-Length: 2\r\n\r\nok"],
    ids=["all", "one"],
)
def test_p81_bare_line_feeds_are_normalised_or_refused(stage: Stage, response: bytes) -> None:
    answer = answered(stage, response)
    assert b"\n" not in answer.head.replace(b"\r\n", b"")
    if answer.status != 200:
        assert_invalid(answer)


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("interim", [HINTS, b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n"])
def test_p82_interim_answers_are_dropped(stage: Stage, interim: bytes, count: int) -> None:
    """ASGI has no message for them; their fields never become those of the final answer."""
    stage.plays(answers(interim * count + ok()))
    with stage.client() as client:
        for _ in range(2):
            client.send(stage.request())
            assert (client.reader.until(b"\r\n\r\n") or b"").startswith(b"HTTP/1.1 200 ")
            assert client.reader.exactly(2) == b"ok"
    assert len(stage.upstream.peers) == 1


def test_p82_interim_answers_come_to_an_end(stage: Stage) -> None:
    assert_invalid(answered(stage, HINTS * 100 + ok()))


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"foo"])
def test_p83_a_101_nobody_asked_for_is_a_bad_gateway(stage: Stage, protocol: bytes) -> None:
    fields = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
    assert_invalid(answered(stage, b"HTTP/1.1 101 Switching Protocols\r\n" + fields + ok(b"evil")))


@pytest.mark.parametrize("asked", [(), ("TE: trailers", "Connection: TE")], ids=["not asked for", "asked for"])
def test_p84_trailers_are_dropped_with_their_announcement(stage: Stage, asked: tuple[str, ...]) -> None:
    fields = b"Transfer-Encoding: chunked\r\nTrailer: X-Sum, Set-Cookie\r\n\r\n"
    trailers = b"0\r\nX-Sum: 1\r\nSet-Cookie: a=1\r\n\r\n"
    stage.plays(answers(b"HTTP/1.1 200 OK\r\n" + fields + b"5\r\nhello\r\n" + trailers))
    with stage.client() as client:
        for _ in range(2):
            answer = client.ask(stage.request("GET", "/", *asked))
            assert (answer.body, answer.complete) == (b"hello", True)
            assert [answer.all(name) for name in (b"trailer", b"x-sum", b"set-cookie")] == [[], [], []]


def test_p85_date_and_server_are_said_once(stage: Stage) -> None:
    date = b"Tue, 15 Nov 1994 08:12:31 GMT"
    answer = answered(stage, ok(b"ok", b"Date: " + date, b"Server: theirs"))
    assert (answer.all(b"date"), answer.all(b"server")) == ([date], [b"theirs"])


def test_p85_a_missing_date_is_added(stage: Stage) -> None:
    answer = answered(stage, ok())
    assert (len(answer.all(b"date")), answer.all(b"server")) == (1, [])
