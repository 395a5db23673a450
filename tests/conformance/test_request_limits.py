"""P34-P41: what a request may ask for before its body, how large its head may be, and what never becomes a field."""

import base64
import json
import threading
import time

import jwt
import pytest

from tests.conformance.stage import Granted, Stage, head, resident, token
from tests.support import configs
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.refused import assert_refused
from tests.support.running_gateway import SECRET

EXPECT = ("Expect: 100-continue", "Content-Length: 5")


def next_head(client: RawClient) -> RawMessage:
    """Interim answers too, without a body."""
    found = client.reader.until(b"\r\n\r\n")
    assert found is not None
    return RawMessage(found)


@pytest.mark.parametrize("kind", ["open", "user", "free"])
def test_p34_an_allowed_request_gets_one_100(stage: Stage, alice: Granted, kind: str) -> None:
    with stage.client() as client:
        client.send(stage.request("POST", "/", *EXPECT, token(alice), kind=kind))
        assert client.reader.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        assert stage.upstream.hits == 0
        client.send(b"hello")
        assert next_head(client).status == 200
    assert stage.seen.body == b"hello"
    assert stage.seen.all(b"expect") == []


@pytest.mark.parametrize(
    ("kind", "length", "status"),
    [("user", 5, 401), ("small", 200_000, 413), ("none", 5, 404)],
)
def test_p35_a_refused_request_gets_no_100(stage: Stage, kind: str, length: int, status: int) -> None:
    with stage.client() as client:
        client.send(stage.request("POST", "/", "Expect: 100-continue", f"Content-Length: {length}", kind=kind))
        answer = next_head(client)
        assert (answer.status, answer.one(b"connection")) == (status, b"close")
        assert len(client.reader.exactly(int(answer.one(b"content-length") or 0))) > 0
        assert client.ended()
    assert stage.upstream.hits == 0


@pytest.mark.parametrize("expectation", ["x", "100-continue=1", "200-ok", ""])
def test_p36_an_unknown_expectation_is_no_fault(stage: Stage, expectation: str) -> None:
    answer = stage.ask("GET", "/", f"Expect: {expectation}")
    assert answer.status in (200, 417)
    assert not stage.upstream.requests or stage.seen.all(b"expect") == []


def test_p37_an_old_client_gets_no_interim_answer(stage: Stage) -> None:
    with stage.client() as client:
        client.send(b"POST %b HTTP/1.0\r\nHost: gw.test\r\n" % stage.path().encode())
        client.send(b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        time.sleep(0.1)
        client.send(b"hello")
        assert next_head(client).status == 200
    assert stage.seen.body == b"hello"


HEADS = {
    "one of 64 KB": b"X-A: " + b"x" * 65536 + b"\r\n",
    "64 KB in all": (b"X-A: " + b"x" * 1000 + b"\r\n") * 64,
    "10,000 fields": b"X-A: 1\r\n" * 10_000,
    "a name of 64 KB": b"x" * 65536 + b": 1\r\n",
}


@pytest.mark.parametrize("fields", HEADS.values(), ids=HEADS)
def test_p38_a_large_head_is_refused(stage: Stage, fields: bytes) -> None:
    with stage.client() as client:
        client.send(head("GET", stage.path())[:-2] + fields + b"\r\n")
        assert_refused(client, 431, "headers-too-large")
    assert stage.upstream.hits == 0


def test_p38_sixteen_megabytes_take_no_memory(stage: Stage) -> None:
    before = resident(stage.gateway)
    for _ in range(4):
        with stage.client() as client:
            try:
                client.send(head("GET", stage.path())[:-2] + b"X-A: " + b"x" * 16_000_000)
                answered: int | None = client.response().status
            except ConnectionError:
                answered = None
        assert answered in (431, None)
    assert resident(stage.gateway) - before < 16_000_000
    assert stage.upstream.hits == 0


def test_p39_many_tiny_fields_hold_nobody_up(stage: Stage) -> None:
    fields = b"".join(b"a%d: 1\r\n" % number for number in range(20_000))

    def attack() -> None:
        for _ in range(10):
            with stage.client() as client:
                try:
                    client.send(head("GET", stage.path())[:-2] + fields + b"\r\n")
                    assert client.response().status == 431
                except ConnectionError:
                    continue

    attacker = threading.Thread(target=attack)
    attacker.start()
    slowest = 0.0
    with stage.client() as client:
        while attacker.is_alive():
            begun = time.monotonic()
            assert client.ask(stage.request()).status == 200
            slowest = max(slowest, time.monotonic() - begun)
    attacker.join()
    # The copied proxy stalls everybody for 8.6 seconds.
    assert slowest < 1.0


TRAILERS = b"0\r\nX-User-Id: admin\r\nHost: evil.test\r\nAuthorization: Bearer x\r\nX-T: 1\r\n\r\n"


@pytest.mark.parametrize("late", [False, True], ids=["in one packet", "late"])
def test_p40_trailers_never_become_fields(stage: Stage, alice: Granted, late: bool) -> None:
    opening = stage.request("POST", "/", token(alice), "Transfer-Encoding: chunked", "Trailer: X-User-Id", kind="user")
    with stage.client() as client:
        client.send(opening + b"5\r\nhello\r\n" + (b"" if late else TRAILERS))
        if late:
            time.sleep(0.1)
            client.send(TRAILERS)
        assert client.response().status == 200
        assert client.ask(stage.request()).status == 200
    seen = stage.upstream.requests[0]
    assert seen.body == b"hello"
    assert seen.one(b"x-user-id") == alice["user_id"].encode()
    assert [seen.all(name) for name in (b"x-t", b"authorization", b"trailer")] == [[], [], []]
    assert b"evil" not in seen.head


def test_p40_a_trailer_about_framing_is_refused(stage: Stage) -> None:
    """Nobody takes the body for whole."""
    chunks = b"5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n"
    assert stage.ask("POST", "/", "Transfer-Encoding: chunked", body=chunks).status == 400
    assert not any(request.complete for request in stage.upstream.requests)


def test_p40_trailers_are_not_read_as_a_token(stage: Stage, alice: Granted) -> None:
    trailer = b"0\r\n" + token(alice).encode() + b"\r\n\r\n"
    answer = stage.ask("POST", "/", "Transfer-Encoding: chunked", kind="user", body=b"5\r\nhello\r\n" + trailer)
    assert (answer.status, stage.upstream.hits) == (401, 0)


@pytest.mark.parametrize("evil", ["\r\nX-Evil: 1", "\n", "\0", "\x7f"], ids=["CRLF", "LF", "NUL", "DEL"])
@pytest.mark.parametrize("claim", ["email", "role", "sid", "user_id", "display_name"])
def test_p41_a_claim_cannot_break_out_of_its_field(stage: Stage, alice: Granted, claim: str, evil: str) -> None:
    """Even if it is signed: by a program that shares the secret."""
    key = base64.b64decode(SECRET)
    said = jwt.decode(alice["access_token"], key, algorithms=["HS256"])
    header = jwt.get_unverified_header(alice["access_token"])
    forged = jwt.encode({**said, claim: str(said[claim]) + evil}, key, algorithm="HS256", headers=header)
    answer = stage.ask("GET", "/", f"Authorization: Bearer {forged}", kind="user")
    if claim == "display_name" and answer.status == 200:
        assert stage.seen.one(b"x-user-display-name") is not None
        assert stage.seen.all(b"x-evil") == []
        assert b"\0" not in stage.seen.head
        return
    assert (answer.status, stage.upstream.hits) == (401, 0)


def test_p41_a_registration_cannot_break_out_of_a_field(stage: Stage) -> None:
    said = {"email": "p41@example.com", "password": "password123", "display_name": "A\r\nX-Evil: 1"}
    body = json.dumps(said).encode()
    fields = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    with stage.client() as client:
        answer = client.ask(head("POST", "/auth/register", *fields) + body)
    assert answer.status == 422


@pytest.mark.parametrize("value", ['"a\\r\\nb"', '"a\\0b"', '"a\\nb"'], ids=["CRLF", "NUL", "LF"])
def test_p41_a_configured_value_cannot_break_out_of_its_field(value: str) -> None:
    extra = f"upstream: orders, headers: {{request: {{add: {{X-A: {value}}}}}}}}}"
    assert len(configs.refused(configs.MINIMAL.replace("upstream: orders}", extra))) == 1
