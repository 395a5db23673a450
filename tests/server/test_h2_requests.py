"""HTTP/2 by prior knowledge: the same requests reach the upstream, the same answers come back."""

import shutil
import subprocess
import time

import pytest

from tests.server.h2_upstream import refused
from tests.support.echo_upstream import Echo
from tests.support.eventually import eventually
from tests.support.h2_client import PREFACE, SETTINGS, H2Client, frame, request
from tests.support.missing import missing
from tests.support.raw_client import RawClient, get
from tests.support.running_gateway import RunningGateway, bearer


def test_a_request_is_proxied_as_it_was_received(h2: H2Client) -> None:
    answer = h2.ask(request(b"/public/%7Ea?x=%20&y", (b"x-a", b"1"), (b"x-a", b"2")))
    assert (answer.status, answer.reset) == (200, None)
    seen = Echo.of(answer.body)
    assert seen.line == "GET /public/%7Ea?x=%20&y HTTP/1.1"
    assert seen.all("x-a") == ["1", "2"]
    assert seen.all("x-forwarded-proto") == ["http"]
    assert seen.all("x-forwarded-host") == ["gw.test"]
    assert len(answer.all(b"date")) == 1
    assert len(answer.all(b"x-request-id")) == 1


def test_both_versions_share_the_port(both: RunningGateway, h2: H2Client) -> None:
    assert get(both.port, "/public/x").status == 200
    assert h2.ask(request()).status == 200


@pytest.mark.parametrize("pieces", [1, 3, 23])
def test_the_preface_may_come_in_pieces(both: RunningGateway, pieces: int) -> None:
    with RawClient(both.port) as raw:
        for start in range(0, 24, 24 // pieces or 1):
            raw.send(PREFACE[start : start + (24 // pieces or 1)])
            time.sleep(0.005)
        raw.send(frame(SETTINGS, 0, 0))
        assert raw.reader.exactly(9)[3] == SETTINGS


def test_what_only_begins_like_the_preface_is_http_1(both: RunningGateway) -> None:
    with RawClient(both.port) as raw:
        raw.send(b"P")
        time.sleep(0.05)
        raw.send(b"OST /public/x HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 2\r\n\r\nhi")
        assert Echo.of(raw.response().body).body == "hi"


def test_bodies_travel_both_ways(h2: H2Client) -> None:
    answer = h2.ask(request(b"/public/x", method=b"POST"), b"hello")
    seen = Echo.of(answer.body)
    assert (seen.body, seen.all("transfer-encoding")) == ("hello", ["chunked"])
    sized = h2.ask(request(b"/public/x", (b"content-length", b"5"), method=b"POST"), b"hello")
    assert Echo.of(sized.body).all("content-length") == ["5"]


def test_head_has_the_fields_and_no_body(h2: H2Client) -> None:
    answer = h2.ask(request(b"/any/x", method=b"HEAD"))
    assert (answer.status, answer.body, answer.ended) == (401, b"", True)
    assert int(answer.all(b"content-length")[0]) > 0


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_end(h2: H2Client, status: int) -> None:
    answer = h2.ask(request(b"/public/x?status=%d" % status))
    assert (answer.status, answer.body, answer.ended) == (status, b"", True)


def test_repeated_fields_stay_and_those_of_the_connection_go(h2: H2Client) -> None:
    answer = h2.ask(request(b"/big/x"))
    assert answer.all(b"set-cookie") == [b"a=1", b"b=2"]
    assert not {b"connection", b"x-drop", b"transfer-encoding"} & dict(answer.fields).keys()


def test_a_split_cookie_is_one_again(h2: H2Client) -> None:
    answer = h2.ask(request(b"/public/x", (b"cookie", b"a=1"), (b"cookie", b"b=2")))
    assert Echo.of(answer.body).all("cookie") == ["a=1; b=2"]


def test_tokens_and_identity_work_as_on_http_1(both: RunningGateway, h2: H2Client) -> None:
    granted = both.register("h2@example.com")
    token = bearer(granted)["Authorization"].encode()
    answer = h2.ask(request(b"/any/x", (b"authorization", token), (b"x-user-role", b"admin")))
    seen = Echo.of(answer.body)
    assert seen.all("x-user-email") == ["h2@example.com"]
    assert seen.all("x-user-role") == ["user"]
    assert seen.all("authorization") == []
    assert refused(h2.ask(request(b"/admin/x", (b"authorization", token)))) == (403, "role-missing")
    login = b'{"email": "h2@example.com", "password": "password123"}'
    answer = h2.ask(request(b"/auth/login", (b"content-type", b"application/json"), method=b"POST"), login)
    assert answer.status == 200


def test_expect_is_answered_when_the_body_is_wanted(h2: H2Client) -> None:
    fields = (b"expect", b"100-continue")
    stream = h2.open(request(b"/public/x", fields, method=b"POST"), end=False)
    while not h2.answers[stream].interim:
        assert h2.read()
    h2.data(stream, b"hello", end=True)
    assert Echo.of(h2.answer(stream).body).body == "hello"
    denied = h2.open(request(b"/any/x", fields, method=b"POST"), end=False)
    answer = h2.answer(denied)
    assert (answer.status, answer.interim) == (401, [])


def test_requests_are_logged(both: RunningGateway, h2: H2Client) -> None:
    h2.ask(request(b"/public/logged-h2"))
    eventually(lambda: any(line.get("path") == "/public/logged-h2" for line in both.log_lines()))


@pytest.mark.parametrize("arguments", [[], ["-d", "hello"], ["-I", "-X", "HEAD"]], ids=["get", "post", "head"])
def test_curl(both: RunningGateway, arguments: list[str]) -> None:
    curl = shutil.which("curl")
    if curl is None:
        missing("curl not found")
    wanted = ["--http2-prior-knowledge", "-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"]
    url = f"{both.url}/any/x" if "-I" in arguments else f"{both.url}/public/x"
    done = subprocess.run([curl, *wanted, *arguments, url], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == ("2 401" if "-I" in arguments else "2 200")
