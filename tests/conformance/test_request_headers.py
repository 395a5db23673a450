"""P17-P33: what the upstream is told of the client's fields, and what nobody but the gateway says."""

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.stage import Granted, Stage, head, token
from tests.conformance.strict_gateway import StrictGateway
from tests.support.eventually import eventually
from tests.support.missing import missing
from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import answers, ok
from tests.support.running_gateway import RunningGateway

OWN = {b"host", b"via", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-request-id", b"traceparent"}


def names(message: RawMessage) -> set[bytes]:
    return {name for name, _ in message.fields}


def plain_names(message: RawMessage) -> set[bytes]:
    """Without punctuation, as a CGI program sees them."""
    return {bytes(filter(lambda byte: chr(byte).isalnum(), name)) for name in names(message)}


def logged(gateway: RunningGateway, answer: RawMessage) -> dict[str, Any]:
    """The line of the access log about a request."""
    request_id = (answer.one(b"x-request-id") or b"").decode()

    def lines() -> list[dict[str, Any]]:
        return [line for line in gateway.log_lines() if line.get("request_id") == request_id]

    eventually(lambda: bool(lines()))
    return lines()[0]


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


HOSTS = {
    "missing": "",
    "twice": "Host: gw.test\r\nHost: other.test\r\n",
    "twice the same": "Host: gw.test\r\nHost: gw.test\r\n",
    "empty": "Host:\r\n",
    "user": "Host: u@gw.test\r\n",
    "path": "Host: gw.test/p\r\n",
    "list": "Host: gw.test, other.test\r\n",
    "space": "Host: gw test\r\n",
    "bad port": "Host: gw.test:http\r\n",
    "fragment": "Host: gw.test#x\r\n",
}


@pytest.mark.parametrize("lines", HOSTS.values(), ids=HOSTS)
def test_p17_a_doubtful_host_is_refused_before_policy(stage: Stage, lines: str) -> None:
    with stage.client() as client:
        answer = client.ask(f"GET {stage.path(kind='user')} HTTP/1.1\r\n{lines}\r\n".encode())
    assert (answer.status, answer.one(b"gateway-reason")) == (400, b"header-ambiguous")
    assert stage.upstream.hits == 0


def test_p18_the_upstream_gets_its_own_host(stage: Stage) -> None:
    stage.ask()
    assert stage.seen.one(b"host") == f"127.0.0.1:{stage.upstream.port}".encode()
    assert stage.seen.one(b"x-forwarded-host") == b"gw.test"


def test_p18_the_upstream_gets_the_clients_host_where_that_is_asked_for(strict: StrictGateway) -> None:
    with strict.client() as client:
        client.ask(head("GET", "/kept/x"))
    seen = strict.plain.requests[-1]
    assert (seen.one(b"host"), seen.one(b"x-forwarded-host")) == (b"gw.test", b"gw.test")


def test_p19_hop_by_hop_fields_are_not_forwarded(stage: Stage) -> None:
    fields = ["Connection: keep-alive", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: trailers"]
    fields += ["Upgrade: foo/2", "Proxy-Authorization: Basic eDp5", "Trailer: X-T", "HTTP2-Settings: AAMAAABkAAQAAP__"]
    assert stage.ask("GET", "/", *fields).status == 200
    assert names(stage.seen) == OWN


def test_p19_the_transfer_coding_is_the_hops_own(stage: Stage) -> None:
    body = b"5;ext=1\r\nhello\r\n0\r\n\r\n"
    stage.ask("POST", "/", "Transfer-Encoding: chunked", body=body)
    assert (stage.seen.body, len(stage.seen.all(b"transfer-encoding")) + len(stage.seen.all(b"content-length"))) == (
        b"hello",
        1,
    )


@pytest.mark.parametrize(
    "lines",
    [
        ["Connection: X-Foo"],
        ["Connection: x-fOO , close"],
        ["Connection:", "Connection: X-Foo"],
        ["Connection: keep-alive", "Connection: ,x-foo,,"],
    ],
    ids=["one", "spaced", "first empty", "two"],
)
def test_p20_every_field_that_connection_names_is_removed(stage: Stage, lines: list[str]) -> None:
    upstream_lines = [line.encode() for line in lines if "close" not in line] or [b"Connection: x-fOO"]
    stage.plays(answers(ok(b"ok", *upstream_lines, b"X-Foo: 1", b"X-Bar: 2")))
    answer = stage.ask("GET", "/", *lines, "X-Foo: 1", "X-Bar: 2")
    assert names(stage.seen) == OWN | {b"x-bar"}
    assert (answer.all(b"x-foo"), answer.all(b"x-bar")) == ([], [b"2"])


def test_p21_what_the_gateway_writes_survives_connection(stage: Stage, alice: Granted) -> None:
    named = "Connection: X-User-Id, X-User-Role, X-Forwarded-For, X-Forwarded-Host, Authorization, Via, Host"
    assert stage.ask("GET", "/", token(alice), named, kind="user").status == 200
    assert names(stage.seen) >= OWN | {b"x-user-id", b"x-user-role"}
    assert stage.seen.one(b"x-user-id") == alice["user_id"].encode()


def test_p21_the_length_survives_connection(stage: Stage) -> None:
    stage.ask("POST", "/", "Connection: Content-Length", "Content-Length: 5", body=b"hello")
    assert (stage.seen.one(b"content-length"), stage.seen.body) == (b"5", b"hello")


def test_p22_no_transfer_coding_is_asked_for_on_behalf_of_a_client(stage: Stage) -> None:
    stage.ask("GET", "/", "TE: trailers, gzip")
    assert stage.seen.all(b"te") in ([], [b"trailers"])


def test_p23_proxy_credentials_stay_here(stage: Stage) -> None:
    stage.ask("GET", "/", "Proxy-Authorization: Basic eDp5")
    assert b"proxyauthorization" not in plain_names(stage.seen)


SPOOFED = ["X-User-Id", "x_user_id", "X.User.Id", "X-USER-ROLE", "x-user_email", "X-Session-Id", "X_Session_Id"]
SPOOFED += ["Remote-User", "X-Gateway-Assertion", "X-Auth-Request-User", "X-Original-URL", "X-HTTP-Method-Override"]


def test_p24_a_client_cannot_say_who_it_is(stage: Stage, alice: Granted) -> None:
    fields = [f"{name}: admin" for name in SPOOFED + SPOOFED]
    stage.ask("GET", "/", *fields)
    assert names(stage.seen) == OWN
    assert stage.ask("GET", "/", token(alice), *fields, kind="user").status == 200
    assert stage.seen.one(b"x-user-id") == alice["user_id"].encode()
    assert stage.seen.one(b"x-user-role") == b"user"
    assert b"admin" not in stage.seen.head


FORWARDED = ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: evil.test", "X-Forwarded-Proto: https"]
FORWARDED += ["Forwarded: for=203.0.113.9;host=evil.test;proto=https", "X-Real-IP: 203.0.113.9"]


def test_p25_a_stranger_says_nothing_about_forwarding(stage: Stage) -> None:
    stage.ask("GET", "/", *FORWARDED)
    assert names(stage.seen) == OWN
    assert stage.seen.one(b"x-forwarded-for") == b"127.0.0.1"
    assert stage.seen.one(b"x-forwarded-host") == b"gw.test"
    assert stage.seen.one(b"x-forwarded-proto") == b"http"


def test_p25_a_trusted_proxy_is_appended_to(strict: StrictGateway) -> None:
    with strict.client() as client:
        client.ask(head("GET", "/public/x", *FORWARDED))
    seen = strict.plain.requests[-1]
    assert seen.one(b"x-forwarded-for") == b"203.0.113.9, 127.0.0.1"
    assert seen.one(b"x-forwarded-host") == b"evil.test"
    assert seen.one(b"x-forwarded-proto") == b"https"
    assert {b"forwarded", b"x-real-ip"}.isdisjoint(names(seen))


def test_p26_an_ipv6_peer_is_named_without_brackets(tmp_path: Path, stage: Stage) -> None:
    """The gateway writes X-Forwarded-For; it never listens on a Unix socket, so that every peer has an address."""
    if not has_ipv6():
        missing("IPv6 on loopback")
    gateway = RunningGateway(tmp_path, upstream=stage.upstream.url)
    gateway.config.write_text(gateway.config.read_text().replace("listen: 127.0.0.1:", "listen: '[::1]:", 1))
    gateway.config.write_text(gateway.config.read_text().replace(f"[::1]:{gateway.port}", f"[::1]:{gateway.port}'", 1))
    gateway.start()
    try:
        with socket.create_connection(("::1", gateway.port), 5) as sock:
            sock.sendall(head("GET", "/public/x"))
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert stage.seen.one(b"x-forwarded-for") == b"::1"
    finally:
        gateway.stop()
        gateway.http.close()


@pytest.mark.parametrize("node", ["[2001:db8::1]", "[2001:db8::1]:4711"])
def test_p26_ipv6_hops_are_read_and_passed_on_as_they_are(strict: StrictGateway, node: str) -> None:
    with strict.client() as client:
        answer = client.ask(head("GET", "/public/x", f'Forwarded: for="{node}"'))
    assert strict.plain.requests[-1].one(b"x-forwarded-for") == f"{node}, 127.0.0.1".encode()
    assert logged(strict.gateway, answer)["client"] == "2001:db8::1"


def test_p26_hops_without_an_address_do_no_harm(strict: StrictGateway) -> None:
    with strict.client() as client:
        for node in ("unknown", "_hidden", '"_hidden:_port"', "unix:"):
            assert client.ask(head("GET", "/public/x", f"Forwarded: for={node}")).status == 200
            assert (strict.plain.requests[-1].one(b"x-forwarded-for") or b"").endswith(b"127.0.0.1")


def test_p27_nearness_is_no_reason_to_be_believed(stage: Stage) -> None:
    """The client is on 127.0.0.1, and FORWARDED_ALLOW_IPS of the environment is `*`."""
    answer = stage.ask("GET", "/who", "X-Forwarded-For: 203.0.113.77")
    assert stage.seen.one(b"x-forwarded-for") == b"127.0.0.1"
    assert logged(stage.gateway, answer)["client"] == "127.0.0.1"


def test_p28_repeated_fields_stay_apart_and_in_order(stage: Stage) -> None:
    stage.ask("GET", "/", "X-A: 1", "x-b: 0", "x-a: 2", "X-A: 1")
    assert [field for field in stage.seen.fields if field[0] in (b"x-a", b"x-b")] == [
        (b"x-a", b"1"),
        (b"x-b", b"0"),
        (b"x-a", b"2"),
        (b"x-a", b"1"),
    ]


def test_p29_bytes_outside_ascii_are_kept(stage: Stage) -> None:
    stage.plays(answers(ok(b"ok", b"X-M: na\xefve \xe2\x82\xac")))
    answer = stage.ask("GET", "/", "X-L: caf\xe9")
    assert stage.seen.one(b"x-l") == b"caf\xe9"
    assert answer.one(b"x-m") == b"na\xefve \xe2\x82\xac"


def test_p30_nothing_is_invented(stage: Stage) -> None:
    stage.ask()
    assert names(stage.seen) == OWN
    stage.ask("GET", "/", "User-Agent: curl/8", "Accept: */*", "Accept-Encoding: br")
    assert names(stage.seen) == OWN | {b"user-agent", b"accept", b"accept-encoding"}
    assert stage.seen.one(b"accept-encoding") == b"br"


def test_p31_via_tells_of_the_gateway(stage: Stage) -> None:
    """Gateways behind gateways have the same name, so that one mention of it is no loop."""
    stage.ask("GET", "/", "Via: 1.0 fred", "Via: 1.1 gateway")
    assert stage.seen.all(b"via") == [b"1.0 fred", b"1.1 gateway", b"1.1 gateway"]


def test_p31_a_real_loop_comes_to_an_end(stage: Stage) -> None:
    with stage.client() as client:
        assert client.ask(head("GET", "/loop/x")).status in (400, 431, 508)
        assert client.ask(stage.request()).status == 200


@pytest.mark.parametrize("kind", ["open", "user"])
def test_p32_max_forwards(stage: Stage, alice: Granted, kind: str) -> None:
    answer = stage.ask("OPTIONS", "/", "Max-Forwards: 0", token(alice), kind=kind)
    assert (answer.status // 100, stage.upstream.hits) == (2, 0)
    assert stage.ask("OPTIONS", "/", "Max-Forwards: 2", token(alice), kind=kind).status == 200
    assert stage.seen.one(b"max-forwards") == b"1"


def test_p33_the_callers_token_stays_here(stage: Stage, alice: Granted) -> None:
    for kind in ("user", "open"):
        assert stage.ask("GET", "/", token(alice), "Cookie: a=1; b=2", kind=kind).status == 200
        assert b"authorization" not in names(stage.seen)
        assert stage.seen.all(b"cookie") == [b"a=1; b=2"]
    stage.ask("GET", "/", "Authorization: Basic eDp5")
    assert stage.seen.one(b"authorization") == b"Basic eDp5"


def test_p33_the_callers_token_goes_where_that_is_asked_for(strict: StrictGateway) -> None:
    granted = strict.gateway.register("forwarded@example.com")
    with RawClient(strict.gateway.port) as client:
        assert client.ask(head("GET", "/with-token/x", token(granted))).status == 200
    assert strict.plain.requests[-1].one(b"authorization") == token(granted).partition(": ")[2].encode()
