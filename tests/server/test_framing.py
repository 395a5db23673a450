"""Where a request ends: everything two parsers could disagree about is refused before it goes anywhere."""

import pytest

from tests.support.echo_upstream import Echo
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.refused import assert_refused

POST = b"POST /public/x HTTP/1.1\r\nHost: gw.test\r\n"
SMUGGLED = b"GET /admin/smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"\r\n5\r\nhello\r\n0\r\n\r\n"

HEADS = {
    "TE gzip": b"Transfer-Encoding: gzip\r\n" + CHUNKS,
    "length and chunked": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + CHUNKS,
    "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + CHUNKS,
    "TE xchunked": b"Transfer-Encoding: xchunked\r\n" + CHUNKS,
    "TE chunked, identity": b"Transfer-Encoding: chunked, identity\r\n" + CHUNKS,
    "TE identity": b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
    "TE identity alone": b"Transfer-Encoding: identity\r\n\r\n",
    "TE gzip, chunked": b"Transfer-Encoding: gzip, chunked\r\n" + CHUNKS,
    "TE with a parameter": b"Transfer-Encoding: chunked;a=b\r\n" + CHUNKS,
    "TE with VT": b"Transfer-Encoding: \x0bchunked\r\n" + CHUNKS,
    "TE quoted": b'Transfer-Encoding: "chunked"\r\n' + CHUNKS,
    "two TE": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" + CHUNKS,
    "two TE, one odd": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n" + CHUNKS,
    "TE twice in one": b"Transfer-Encoding: chunked, chunked\r\n" + CHUNKS,
    "TE folded": b"Transfer-Encoding:\r\n chunked\r\n" + CHUNKS,
    "TE with space before the colon": b"Transfer-Encoding : chunked\r\n" + CHUNKS,
    "empty TE": b"Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello",
    "length +5": b"Content-Length: +5\r\n\r\nhello",
    "length -1": b"Content-Length: -1\r\n\r\nhello",
    "length 0x5": b"Content-Length: 0x5\r\n\r\nhello",
    "length 1_0": b"Content-Length: 1_0\r\n\r\nhellohello",
    "length 5, 5": b"Content-Length: 5, 5\r\n\r\nhello",
    "length 5 5": b"Content-Length: 5 5\r\n\r\nhello",
    "length empty": b"Content-Length:\r\n\r\nhello",
    "length 2^64": b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "length twice": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length twice the same": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "length with VT": b"Content-Length: \x0b5\r\n\r\nhello",
}


@pytest.mark.parametrize("rest", HEADS.values(), ids=HEADS)
def test_ambiguous_framing_is_refused_and_closed(client: RawClient, echo: RawUpstream, rest: bytes) -> None:
    hits = echo.hits
    client.send(POST + rest + SMUGGLED)
    answer = client.response()
    assert answer.status in (400, 501)
    assert answer.one(b"content-type") == b"application/problem+json"
    assert answer.one(b"connection") == b"close"
    assert client.ended()
    assert echo.hits == hits


CHUNK_TRICKS = {
    "0x5": b"0x5\r\nhello\r\n0\r\n\r\n",
    "+5": b"+5\r\nhello\r\n0\r\n\r\n",
    "-5": b"-5\r\nhello\r\n0\r\n\r\n",
    "leading space": b" 5\r\nhello\r\n0\r\n\r\n",
    "1_0": b"1_0\r\nhellohellohello\r\n0\r\n\r\n",
    "overflow": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "size too small": b"4\r\nhello\r\n0\r\n\r\n",
    "size too large": b"6\r\nhello\r\n0\r\n\r\n",
    "LF only": b"5\nhello\n0\n\n",
    "bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "other terminator": b"5\r\nhelloXX0\r\n\r\n",
    "NUL in the size": b"5\x00\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("chunks", CHUNK_TRICKS.values(), ids=CHUNK_TRICKS)
def test_chunk_tricks_are_refused_and_closed(client: RawClient, echo: RawUpstream, chunks: bytes) -> None:
    whole = len(echo.requests)
    client.send(CHUNKED + b"\r\n" + chunks + SMUGGLED)
    answer = client.response()
    assert answer.status == 400, answer.head
    assert answer.one(b"connection") == b"close"
    assert client.ended()
    assert not [request for request in echo.requests[whole:] if request.complete or b"smuggled" in request.start]


@pytest.mark.parametrize("size", [b"5", b"05", b"0000005", b"5;ext", b"5;ext=1", b'5;ext="a b"'])
def test_chunks_arrive_decoded_and_without_extensions(client: RawClient, size: bytes) -> None:
    answer = client.ask(CHUNKED + b"\r\n" + size + b"\r\nhello\r\n3\r\n, x\r\n0\r\n\r\n")
    seen = Echo.of(answer.body)
    assert seen.body == "hello, x"
    assert "ext" not in str(seen.headers)


@pytest.mark.parametrize("length", [0, 1, 5, 40_000])
def test_a_length_is_kept(client: RawClient, length: int) -> None:
    seen = Echo.of(client.ask(POST + b"Content-Length: %d\r\n\r\n" % length + b"a" * length).body)
    assert seen.body == "a" * length
    assert seen.all("content-length") == [str(length)]
    assert seen.all("transfer-encoding") == []


TRAILERS = (
    b"X-User-Id: admin\r\nx_user_role: admin\r\nHost: evil.test\r\nAuthorization: Bearer x\r\n"
    b"X-Forwarded-For: 6.6.6.6\r\nX-Trailer: 1\r\n\r\n"
)


@pytest.mark.parametrize("pieces", [1, 2, 3], ids=["at once", "trailers late", "trailers in two"])
def test_trailers_never_become_headers(client: RawClient, pieces: int) -> None:
    data = CHUNKED + b"Trailer: X-User-Id\r\n\r\n5\r\nhello\r\n0\r\n"
    parts = {1: [data + TRAILERS], 2: [data, TRAILERS], 3: [data + TRAILERS[:30], TRAILERS[30:]]}[pieces]
    for part in parts[:-1]:
        client.send(part)
        assert not client.reader.buffer
        client.sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.sock.recv(1)
        client.sock.settimeout(5)
    seen = Echo.of(client.ask(parts[-1]).body)
    assert seen.body == "hello"
    assert not seen.squeezed() & {"xuserid", "xuserrole", "authorization", "xtrailer", "trailer"}
    assert "evil.test" not in str(seen.headers)
    assert "6.6.6.6" not in str(seen.headers)
    assert client.ask(b"GET /public/next HTTP/1.1\r\nHost: gw\r\n\r\n").status == 200


@pytest.mark.parametrize("trailer", [b"Content-Length: 99", b"Transfer-Encoding: chunked", b"X A: 1", b"X: \x00"])
def test_trailers_about_framing_are_refused(client: RawClient, trailer: bytes) -> None:
    client.send(CHUNKED + b"\r\n5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n" + SMUGGLED)
    assert_refused(client, 400, "body-invalid")


def test_http_1_0_has_no_chunks(client: RawClient, echo: RawUpstream) -> None:
    hits = echo.hits
    client.send(CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + CHUNKS + SMUGGLED)
    assert_refused(client, 400, "header-ambiguous")
    assert echo.hits == hits


def test_trailers_do_not_authenticate(client: RawClient, echo: RawUpstream) -> None:
    hits = echo.hits
    client.send(CHUNKED.replace(b"/public/x", b"/any/x") + b"\r\n0\r\nAuthorization: Bearer x\r\n\r\n")
    assert client.response().one(b"gateway-reason") == b"token-missing"
    assert echo.hits == hits


def test_trailers_are_bounded(client: RawClient) -> None:
    client.send(CHUNKED + b"\r\n5\r\nhello\r\n0\r\n")
    client.send(b"X-A: " + b"a" * 2_000_000)
    assert_refused(client, 431, "headers-too-large")


def test_chunk_extensions_are_bounded(client: RawClient) -> None:
    client.send(CHUNKED + b"\r\n5;" + b"a" * 2_000_000)
    assert_refused(client, 431, "headers-too-large")


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.0", b"h2c, websocket"])
@pytest.mark.parametrize("body", [b"", b"hello"], ids=["bare", "body"])
def test_an_upgrade_is_ignored_and_nothing_is_smuggled(client: RawClient, upgrade: bytes, body: bytes) -> None:
    head = POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + upgrade + b"\r\nHTTP2-Settings: AAMAAABk\r\n"
    client.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body + SMUGGLED)
    seen = Echo.of(client.response().body)
    assert seen.body == body.decode()
    assert not seen.squeezed() & {"upgrade", "connection", "http2settings"}
    assert client.response().one(b"gateway-reason") == b"token-missing"


def test_an_upgrade_with_a_chunked_body(client: RawClient) -> None:
    head = CHUNKED + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    client.send(head + b"\r\n5\r\nhello\r\n0\r\n\r\n" + SMUGGLED)
    assert Echo.of(client.response().body).body == "hello"
    assert client.response().one(b"gateway-reason") == b"token-missing"


def test_an_upgrade_whose_body_comes_later(client: RawClient) -> None:
    client.send(POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhe")
    client.send(b"llo" + SMUGGLED)
    assert Echo.of(client.response().body).body == "hello"
    assert client.response().one(b"gateway-reason") == b"token-missing"


def test_a_websocket_handshake_on_a_plain_route_is_refused_and_ends_the_connection(client: RawClient) -> None:
    handshake = (
        b"GET /public/x HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    client.send(handshake + SMUGGLED)
    assert_refused(client, 501, "not-implemented")
