"""Which header fields an upstream sees."""

import pytest

from gateway.errors import Refusal
from gateway.policy.access import AccessPublic
from gateway.policy.route import Route
from gateway.proxy.headers import HeaderRules
from tests.proxy.harness import ANN, ROUTE, route_for
from tests.proxy.sending import OWN, of_client, sent, values


def test_order_and_duplicates_are_kept() -> None:
    fields = [(b"x-a", b"1"), (b"accept", b"*/*"), (b"x-a", b"2"), (b"x-l", b"caf\xe9"), (b"x-empty", b"")]
    assert of_client(sent(*fields)) == fields


def test_nothing_is_invented() -> None:
    assert {name for name, _ in sent()} == OWN


@pytest.mark.parametrize(
    "name",
    [
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
        b"proxy-authorization",
        b"trailer",
        b"http2-settings",
        b"expect",
        b"Proxy_Connection",
    ],
)
def test_hop_by_hop_fields_end_here(name: bytes) -> None:
    assert of_client(sent((name, b"x"), (b"x-a", b"1"))) == [(b"x-a", b"1")]


@pytest.mark.parametrize(
    "name",
    [
        b"x-user-id",
        b"X-USER-ID",
        b"x_user_id",
        b"x.user.id",
        b"xuserid",
        b"x--user--id",
        b"x-user-roles",
        b"x-user-anything",
        b"x-session-id",
        b"x_session_id",
        b"x-gateway-assertion",
        b"x-auth-request-user",
        b"remote-user",
        b"remote_user",
        b"x-remote-user",
        b"x-forwarded-for",
        b"x_forwarded_for",
        b"x-forwarded-prefix",
        b"x-forwarded-port",
        b"x-forwarded-user",
        b"forwarded",
        b"x-real-ip",
        b"x-original-url",
        b"x-original-uri",
        b"x-rewrite-url",
        b"x-http-method",
        b"x-http-method-override",
        b"x_http_method_override",
        b"x-method-override",
        b"gateway-reason",
        b"x-request-id",
        b"traceparent",
        b"content_length",
        b"authori_zation",
        b"x-tenant",
        b"X_Tenant",
    ],
)
def test_what_only_the_gateway_may_say_is_deleted_in_every_spelling(name: bytes) -> None:
    public = route_for(AccessPublic())
    fields = sent((name, b"spoof"), (name, b"again"), route=public, rules=HeaderRules(strip=["X-Tenant"]))
    assert all(b"spoof" not in value and b"again" not in value for _, value in fields)


@pytest.mark.parametrize("name", [b"x-custom", b"x-realm", b"user-agent", b"x-sessions", b"x-http-version"])
def test_similar_names_pass(name: bytes) -> None:
    assert of_client(sent((name, b"1"))) == [(name, b"1")]


@pytest.mark.parametrize(
    "lines",
    [
        [b"X-Foo"],
        [b"x-fOO , close"],
        [b"", b"x-foo"],
        [b"keep-alive", b"x-foo"],
        [b"close,X-Foo,,"],
        [b"\tx-foo\t"],
    ],
)
def test_fields_named_by_connection_are_removed(lines: list[bytes]) -> None:
    fields = [(b"connection", line) for line in lines]
    assert of_client(sent((b"x-foo", b"1"), *fields, (b"x-bar", b"2"))) == [(b"x-bar", b"2")]


def test_connection_cannot_remove_what_the_gateway_sets() -> None:
    trick = b"close, X-User-Id, X-User-Role, X-Session-Id, X-Forwarded-For, X-Request-Id, Host, Via, Content-Length"
    fields = sent((b"connection", trick), (b"content-length", b"3"), principal=ANN)
    names = {name for name, _ in fields}
    assert names >= OWN | {b"x-user-id", b"x-user-role", b"x-session-id", b"content-length"}


@pytest.mark.parametrize(
    "value", [b"Bearer t", b"bearer t", b"BEARER  t", b" Bearer t", b"Bearer\tt", b"Bearer", b"bEaReR=t"]
)
@pytest.mark.parametrize("route", [ROUTE, route_for(AccessPublic())], ids=["protected", "public"])
def test_no_bearer_token_reaches_the_upstream(value: bytes, route: Route) -> None:
    assert values(sent((b"authorization", value), route=route), b"authorization") == []


def test_other_schemes_pass_on_public_routes_only() -> None:
    basic = (b"authorization", b"Basic dTpw")
    assert values(sent(basic, route=route_for(AccessPublic())), b"authorization") == [b"Basic dTpw"]
    assert values(sent(basic), b"authorization") == []


def test_credentials_forward_passes_the_token_and_the_cookies() -> None:
    fields = [(b"authorization", b"Bearer t"), (b"cookie", b"gateway_access=t; a=1")]
    assert of_client(sent(*fields, route=route_for(forward_credentials=True))) == fields


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        (b"a=1; b=2", [b"a=1; b=2"]),
        (b'a=1;b=2 ;  c="x"', [b'a=1;b=2 ;  c="x"']),
        (b"gateway_access=t", []),
        (b"gateway_access=t; a=1", [b"a=1"]),
        (b"a=1; gateway_access=t; b=2;c=3", [b"a=1; b=2;c=3"]),
        (b"a=1; gateway_access=t", [b"a=1"]),
        (b"gateway_access=t; gateway_csrf=x; gateway_access=u", []),
        (b"a=gateway_access=t", [b"a=gateway_access=t"]),
        (b"gateway_access ; a=1", [b"a=1"]),
        (b"Gateway_access=1", [b"Gateway_access=1"]),
    ],
)
def test_own_cookies_are_removed_and_others_left_alone(cookie: bytes, expected: list[bytes]) -> None:
    assert values(sent((b"cookie", cookie)), b"cookie") == expected


def test_host_is_the_upstreams_unless_preserved() -> None:
    assert sent()[0] == (b"host", b"svc:8000")
    assert sent(preserve_host=True)[0] == (b"host", b"gw.test:8080")
    assert sent(preserve_host=True, target=b"http://other.test/x")[0] == (b"host", b"other.test")


def test_forwarded_fields_of_a_stranger_are_replaced() -> None:
    spoofed = [
        (b"x-forwarded-for", b"1.1.1.1"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"evil"),
    ]
    fields = sent(*spoofed)
    assert values(fields, b"x-forwarded-for") == [b"192.0.2.7"]
    assert values(fields, b"x-forwarded-proto") == [b"http"]
    assert values(fields, b"x-forwarded-host") == [b"gw.test:8080"]


def test_forwarded_fields_of_a_trusted_peer_are_continued() -> None:
    fields = sent(
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"x-forwarded-host", b"shop.example"),
        trusted_peer=True,
        forwarded_for=(b"203.0.113.9",),
        scheme="https",
    )
    assert values(fields, b"x-forwarded-for") == [b"203.0.113.9, 192.0.2.7"]
    assert values(fields, b"x-forwarded-proto") == [b"https"]
    assert values(fields, b"x-forwarded-host") == [b"shop.example"]


def test_a_peer_without_an_address_adds_none() -> None:
    assert values(sent(peer=""), b"x-forwarded-for") == []


def test_via_is_appended_and_ids_are_the_gateways() -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    fields = sent((b"via", b"1.0 edge"), (b"traceparent", b"junk"), (b"x-request-id", b"mine"), traceparent=trace)
    assert values(fields, b"via") == [b"1.0 edge", b"1.1 gateway"]
    assert values(fields, b"x-request-id") == [b"rid-1"]
    assert values(fields, b"traceparent") == [trace.encode()]


def test_what_others_put_into_the_context_is_checked_too() -> None:
    with pytest.raises(Refusal):
        sent(request_id="a\r\nb")


def test_a_route_removes_and_adds_last() -> None:
    route = route_for(
        request_headers_remove=frozenset({b"x-a", b"x-user-email"}), request_headers_add=((b"x-a", b"route"),)
    )
    fields = sent((b"x-a", b"client"), principal=ANN, route=route)
    assert values(fields, b"x-a") == [b"route"]
    assert values(fields, b"x-user-email") == []


def test_names_are_remembered_up_to_a_bound() -> None:
    rules = HeaderRules()
    for number in range(10_000):
        rules.names.of_request(b"x-%d" % number)
    assert len(rules.names._request) <= 4096
