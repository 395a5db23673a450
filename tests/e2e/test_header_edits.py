"""`headers: {add, remove}` of a route, from the file to the wire."""

from collections.abc import Iterator

import pytest

from tests.support.echo_upstream import Echo
from tests.support.raw_client import get
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway, running

EDITS = """
  - name: edited
    path: /edited/**
    access: public
    upstream: echo
    headers:
      request: {add: {X-Env: "test; a=1", Accept: "*/*"}, remove: [Accept, User-Agent, Cookie]}
      response: {add: {X-Frame-Options: DENY, Server: "${SERVER_NAME}"}, remove: [Server]}
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream) -> Iterator[RunningGateway]:
    edits = EDITS.replace("${SERVER_NAME}", "shop")
    with running(tmp_path_factory.mktemp("edits"), upstream=echo.url, more_routes=edits) as started:
        yield started


def test_request_fields_are_removed_then_added(gateway: RunningGateway) -> None:
    answer = get(
        gateway.port, "/edited/x", "Accept: text/html", "User-Agent: x", "Cookie: a=1", "X-ENV: prod", "X-Y: 1"
    )
    seen = Echo.of(answer.body)
    assert seen.all("accept") == ["*/*"]
    assert seen.all("user-agent") == seen.all("cookie") == []
    assert "test; a=1" in seen.all("x-env")
    assert seen.all("x-y") == ["1"]


def test_response_fields_are_removed_then_added(gateway: RunningGateway) -> None:
    answer = get(gateway.port, "/edited/x")
    assert answer.all(b"x-frame-options") == [b"DENY"]
    assert answer.all(b"server") == [b"shop"]


def test_other_routes_are_not_edited(gateway: RunningGateway) -> None:
    answer = get(gateway.port, "/public/x", "Accept: text/html")
    assert Echo.of(answer.body).all("accept") == ["text/html"]
    assert answer.all(b"server") == [b"echo"]
    assert answer.all(b"x-frame-options") == []


@pytest.mark.parametrize("value", ["a\\r\\nX-User-Id: 1", "a\\nb", "a\\0b", "\\x7f"])
def test_a_value_with_a_line_break_never_starts(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    bad = EDITS.replace("${SERVER_NAME}", value)
    gateway = RunningGateway(tmp_path_factory.mktemp("bad"), more_routes=bad)
    gateway.start(wait=False)
    assert gateway.process is not None
    assert gateway.process.wait(20) == 1
    assert "must have no control characters" in gateway.talk.read_text()
    gateway.http.close()
