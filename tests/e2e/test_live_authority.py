"""WebSockets and event streams: judged like requests, and ended on every worker when their authority ends."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.support.processes import frozen, workers_of
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import Peer, RawUpstream
from tests.support.raw_websocket import RawWebSocket, agree, close_frame, close_of, opening, until_close
from tests.support.running_gateway import SECRET, RunningGateway, running

ROUTES = """
  - {name: live, path: /live/**, access: authenticated, upstream: echo, websocket: true}
  - {name: live-admin, path: /live/admin/**, access: {roles: [admin]}, upstream: echo, websocket: true}
  - {name: live-open, path: /live/open/**, access: public, upstream: echo, websocket: true}
"""
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LINES = EVENTS.replace(b"text/event-stream", b"application/x-ndjson")


def lasting(peer: Peer) -> None:
    """A WebSocket to who asks for one, else a stream without end."""
    request = peer.head()
    if request is not None and request.one(b"upgrade") is not None:
        peer.send(agree(request))
        until_close(peer)
    elif request is not None:
        peer.send((LINES if b"lines" in request.target else EVENTS) + b"9\r\ndata: 1\n\n\r\n")
        peer.gone()


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with RawUpstream(lasting, timeout=60) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, upstream: RawUpstream) -> Iterator[RunningGateway]:
    """Two workers on one SQLite file."""
    folder = tmp_path_factory.mktemp("live")
    with running(folder, upstream=upstream.url, workers=2, more_routes=ROUTES) as started:
        yield started


def authorization(granted: dict[str, Any]) -> str:
    return f"Authorization: Bearer {granted['access_token']}"


def websocket(gateway: RunningGateway, granted: dict[str, Any], path: str = "/live/x") -> RawWebSocket:
    client = RawWebSocket(gateway.port, path, authorization(granted))
    assert client.head.status == 101, client.head.head
    return client


def stream(gateway: RunningGateway, granted: dict[str, Any], path: str = "/live/events") -> RawClient:
    """A client that has got the first event."""
    client = RawClient(gateway.port)
    client.send(f"GET {path} HTTP/1.1\r\nHost: gw\r\n{authorization(granted)}\r\n\r\n".encode())
    assert client.reader.until(b"data: 1\n\n\r\n") is not None
    return client


def users(gateway: RunningGateway, *words: str) -> None:
    """Run `gateway users …` with this gateway's configuration."""
    command = [sys.executable, "-m", "gateway", "users", *words, "--config", str(gateway.config)]
    ran = subprocess.run(command, env={"JWT_SECRET_KEY": SECRET}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def metric(gateway: RunningGateway, series: str) -> float:
    lines = gateway.probe("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))


def test_a_logout_ends_all_that_the_session_began_on_both_workers(fleet: RunningGateway) -> None:
    granted, other = fleet.register("logout@example.com"), fleet.register("stays@example.com")
    cut_before = metric(fleet, "gateway_connections_cut_total")
    with ExitStack() as stack:
        sockets, streams, lines = [], [], []
        for pid in workers_of(fleet):
            with frozen(pid):
                sockets.append(stack.enter_context(websocket(fleet, granted)))
                streams.append(stack.enter_context(stream(fleet, granted)))
                lines.append(stack.enter_context(stream(fleet, granted, "/live/lines")))
                stays = stack.enter_context(websocket(fleet, other))
        assert metric(fleet, "gateway_websockets ") == 4
        begun = time.monotonic()
        assert fleet.http.post("/auth/logout", headers={"Authorization": authorization(granted)[15:]}).is_success
        for client in sockets:
            assert close_of(client.frame()) == (4401, b"token-revoked")
            client.send(close_frame(4401))
        for events in streams:
            assert events.reader.exactly(5) == b"0\r\n\r\n"
        for cut_short in lines:
            assert cut_short.reader.rest() == b""
        assert time.monotonic() - begun < 1.5
        stays.send(close_frame(1000, b"mine"))
        assert close_of(stays.frame()) == (1000, b"mine")
    eventually(lambda: metric(fleet, "gateway_connections_cut_total") - cut_before == 6)
    eventually(lambda: metric(fleet, "gateway_websockets ") == 0)


def test_a_role_change_ends_what_the_policy_forbids_now_and_nothing_else(fleet: RunningGateway) -> None:
    fleet.register("demoted@example.com")
    users(fleet, "role", "demoted@example.com", "admin")
    granted = fleet.login("demoted@example.com", "password123")
    with websocket(fleet, granted, "/live/admin/x") as admins, websocket(fleet, granted) as anybodys:
        users(fleet, "role", "demoted@example.com", "user")
        begun = time.monotonic()
        assert close_of(admins.frame()) == (4403, b"role-missing")
        assert time.monotonic() - begun < 1
        anybodys.send(close_frame(1000))
        assert close_of(anybodys.frame()) == (1000, b"")


def test_a_disabled_account_loses_its_websockets(fleet: RunningGateway) -> None:
    granted = fleet.register("disabled@example.com")
    with websocket(fleet, granted) as client:
        users(fleet, "disable", "disabled@example.com")
        assert close_of(client.frame()) == (4401, b"token-revoked")


def test_a_browser_offers_its_token_as_a_sub_protocol(fleet: RunningGateway, upstream: RawUpstream) -> None:
    token = fleet.register("browser@example.com")["access_token"]
    with RawWebSocket(fleet.port, "/live/x", f"Sec-WebSocket-Protocol: gateway.bearer, {token}, chat") as client:
        assert client.head.status == 101
        assert client.head.one(b"sec-websocket-protocol") == b"gateway.bearer"
    request = upstream.requests[-1]
    assert request.one(b"sec-websocket-protocol") == b"chat"
    assert request.one(b"x-user-email") == b"browser@example.com"
    assert token.encode() not in request.head
    assert not any(token in line for line in fleet.output.read_text().splitlines())


REFUSALS = {
    "no token": ("/live/x", "", 401, "token-missing"),
    "a bad token": ("/live/x", "Authorization: Bearer a.b.c", 401, "token-malformed"),
    "a bad token offered": ("/live/x", "Sec-WebSocket-Protocol: gateway.bearer, a.b.c", 401, "token-malformed"),
    "no token offered": ("/live/x", "Sec-WebSocket-Protocol: gateway.bearer", 401, "token-malformed"),
    "only others offered": ("/live/x", "Sec-WebSocket-Protocol: chat, {token}", 401, "token-missing"),
    "a role": ("/live/admin/x", "Authorization: Bearer {token}", 403, "role-missing"),
    "no route": ("/nowhere", "Authorization: Bearer {token}", 404, "no-route"),
    "an ambiguous path": ("/live//x", "Authorization: Bearer {token}", 400, "path-ambiguous"),
    "tokens in two places": (
        "/live/x",
        "Authorization: Bearer {token}\r\nSec-WebSocket-Protocol: gateway.bearer, {token}",
        400,
        "header-ambiguous",
    ),
    "a token in the query too": (
        "/live/x?access_token={token}",
        "Sec-WebSocket-Protocol: gateway.bearer, {token}",
        400,
        "header-ambiguous",
    ),
    "a route without WebSockets": ("/any/x", "Authorization: Bearer {token}", 501, "not-implemented"),
    "a route without WebSockets and no token": ("/any/x", "", 401, "token-missing"),
    "the gateway's own endpoints": ("/auth/login", "", 405, "method-not-allowed"),
}


@pytest.mark.parametrize(("path", "fields", "status", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_a_handshake_is_refused_like_a_request_and_never_reaches_the_upstream(
    fleet: RunningGateway, upstream: RawUpstream, token: str, path: str, fields: str, status: int, reason: str
) -> None:
    hits = upstream.hits
    handshake = opening(path.format(token=token), *filter(None, fields.format(token=token).split("\r\n")))
    with RawClient(fleet.port) as client:
        answer = client.ask(handshake)
        assert (answer.status, answer.one(b"gateway-reason")) == (status, reason.encode()), answer.head
        assert answer.one(b"content-type") == b"application/problem+json"
        assert answer.one(b"connection") == b"close"
        assert bool(answer.all(b"www-authenticate")) is (status in (401, 403))
        assert client.ended()
    assert upstream.hits == hits


@pytest.fixture(scope="module")
def token(fleet: RunningGateway) -> str:
    return str(fleet.register("refused@example.com")["access_token"])


def test_a_websocket_is_one_line_in_the_log(fleet: RunningGateway) -> None:
    granted = fleet.register("logged@example.com")
    with websocket(fleet, granted, "/live/logged?secret=1") as client:
        time.sleep(0.2)
        client.send(close_frame(1000))
        assert close_of(client.frame()) == (1000, b"")

    def lines() -> list[dict[str, Any]]:
        return [line for line in fleet.log_lines() if line.get("path") == "/live/logged"]

    eventually(lambda: len(lines()) == 1)
    (line,) = lines()
    assert (line["status"], line["route"], line["reason"]) == (101, "live", None)
    assert line["subject"] == granted["user_id"]
    assert line["ms"] > 200


def test_a_websocket_holds_a_place_of_its_address_and_gives_it_back(tmp_path: Path, upstream: RawUpstream) -> None:
    limits = "{connections_per_address: 3}"
    with running(tmp_path, upstream=upstream.url, more_routes=ROUTES, limits=limits) as gateway:
        clients = [RawWebSocket(gateway.port, "/live/open/x") for _ in range(3)]
        with RawWebSocket(gateway.port, "/live/open/x") as too_many:
            assert too_many.head.status == 503
        for client in clients:
            client.send(close_frame(1000))
            assert close_of(client.frame()) == (1000, b"")
            client.close()
        eventually(lambda: metric(gateway, "gateway_websockets ") == 0)
        with ExitStack() as stack:
            for _ in range(3):
                again = stack.enter_context(RawWebSocket(gateway.port, "/live/open/x"))
                assert again.head.status == 101


def test_a_stop_ends_everything_in_good_order_and_soon(tmp_path: Path, upstream: RawUpstream) -> None:
    with running(tmp_path, upstream=upstream.url, more_routes=ROUTES, drain="10s") as gateway:
        granted = gateway.register()
        with (
            websocket(gateway, granted) as client,
            RawWebSocket(gateway.port, "/live/open/x") as anonymous,
            stream(gateway, granted) as events,
        ):
            begun = time.monotonic()
            if gateway.process is not None:
                gateway.process.terminate()
            for each in (client, anonymous):
                assert close_of(each.frame()) == (1001, b"")
                each.send(close_frame(1001))
            assert events.reader.exactly(5) == b"0\r\n\r\n"
            assert gateway.stop() == 0
            assert time.monotonic() - begun < 3
