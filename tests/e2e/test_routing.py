"""Routes and policy through the running gateway, in front of an upstream that counts what reaches it."""

from typing import Any

import pytest

from gateway.reasons import Reason
from tests.support.echo_upstream import Echo
from tests.support.eventually import eventually
from tests.support.problems import assert_problem
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway, bearer

Granted = dict[str, Any]
IDENTITY = {"xuserid", "xuseremail", "xuserdisplayname", "xuserrole", "xsessionid"}


@pytest.fixture(scope="module")
def user(gateway: RunningGateway) -> Granted:
    return gateway.granted(
        "register", email="routing@example.com", password="password123", display_name="Zoë “Z” Müller"
    )


@pytest.fixture(scope="module")
def admin(gateway: RunningGateway) -> Granted:
    return gateway.admin()


def headers_of(caller: str, user: Granted, admin: Granted) -> dict[str, str]:
    return {"nobody": {}, "user": bearer(user), "admin": bearer(admin)}[caller]


@pytest.mark.parametrize(
    ("path", "caller", "status"),
    [
        ("/public/x", "nobody", 200),
        ("/public", "nobody", 200),
        ("/public/x", "user", 200),
        ("/optional/x", "nobody", 200),
        ("/optional/x", "user", 200),
        ("/any/x", "nobody", 401),
        ("/any/x", "user", 200),
        ("/any/x", "admin", 200),
        ("/strict/x", "nobody", 401),
        ("/strict/x", "user", 200),
        ("/admin/x", "nobody", 401),
        ("/admin/x", "user", 403),
        ("/admin/x", "admin", 200),
        ("/admin", "user", 403),
        ("/admin/", "user", 403),
        ("/api/users/{own}", "nobody", 401),
        ("/api/users/{own}", "user", 200),
        ("/api/users/{own}", "admin", 403),
        ("/api/users/somebody", "user", 403),
        ("/api/users/{own}/", "user", 404),
        ("/api/users/{own}/x", "user", 404),
        ("/api/users", "user", 404),
        ("/publicity", "user", 404),
        ("/PUBLIC/x", "user", 404),
        ("/", "admin", 404),
    ],
)
def test_who_may_what(
    gateway: RunningGateway, echo: RawUpstream, user: Granted, admin: Granted, path: str, caller: str, status: int
) -> None:
    hits = echo.hits
    path = path.replace("{own}", user["user_id"])
    answer = gateway.http.get(path, headers=headers_of(caller, user, admin))
    assert answer.status_code == status
    assert echo.hits - hits == (status == 200)
    if status == 200:
        assert Echo.of(answer.content).line == f"GET {path} HTTP/1.1"


def test_the_owner_is_named_in_the_refusal(gateway: RunningGateway, user: Granted) -> None:
    assert_problem(gateway.http.get("/api/users/x", headers=bearer(user)), Reason.NOT_OWNER)
    missing = gateway.http.get("/admin/x", headers=bearer(user))
    assert_problem(missing, Reason.ROLE_MISSING, "Admin access required")


def test_upstreams_see_who_is_calling(gateway: RunningGateway, user: Granted) -> None:
    answer = gateway.http.get("/any/x", headers=bearer(user))
    seen = Echo.of(answer.content)
    assert seen.all("x-user-id") == [user["user_id"]]
    assert seen.all("x-user-email") == ["routing@example.com"]
    assert seen.all("x-user-display-name") == ["Zo%C3%AB%20%E2%80%9CZ%E2%80%9D%20M%C3%BCller"]
    assert seen.all("x-user-role") == ["user"]
    assert seen.all("x-session-id") == [user["session_id"]]
    assert seen.all("authorization") == []
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]
    assert seen.all("x-forwarded-proto") == ["http"]
    assert seen.all("x-forwarded-host") == [f"127.0.0.1:{gateway.port}"]
    assert seen.all("via") == ["1.1 gateway"]
    assert seen.all("x-request-id") == [answer.headers["x-request-id"]]
    assert len(seen.all("traceparent")) == 1


@pytest.mark.parametrize("path", ["/public/x", "/optional/x"])
def test_anonymous_requests_carry_no_identity(gateway: RunningGateway, path: str) -> None:
    assert not Echo.of(gateway.http.get(path).content).squeezed() & IDENTITY


def test_public_routes_give_no_identity_even_to_users(gateway: RunningGateway, user: Granted) -> None:
    seen = Echo.of(gateway.http.get("/public/x", headers=bearer(user)).content)
    assert not seen.squeezed() & (IDENTITY | {"authorization"})


def test_other_schemes_pass_on_public_routes_only(gateway: RunningGateway) -> None:
    basic = {"Authorization": "Basic dTpw"}
    assert Echo.of(gateway.http.get("/public/x", headers=basic).content).all("authorization") == ["Basic dTpw"]
    assert Echo.of(gateway.http.get("/optional/x", headers=basic).content).all("authorization") == []
    assert_problem(gateway.http.get("/any/x", headers=basic), Reason.TOKEN_MISSING)


SPOOFED = [
    "X-User-Id",
    "x-user-id",
    "X_User_Id",
    "X.User.Id",
    "X-USER-ROLE",
    "X-User-Anything",
    "X_User-Role",
    "XUserId",
    "X-Session-Id",
    "X_Session_Id",
    "X-Gateway-Assertion",
    "X-Gateway-Anything",
    "X-Auth-Request-User",
    "X_Auth_Request_Email",
    "Remote-User",
    "Remote_User",
    "X-Remote-User",
    "X-Forwarded-User",
    "X-Forwarded-Prefix",
    "X-Forwarded-Port",
    "X_Forwarded_For",
    "Forwarded",
    "X-Real-IP",
    "X_Real_IP",
    "X-Original-URL",
    "X-Original-Method",
    "X-Rewrite-URL",
    "X-HTTP-Method",
    "X-HTTP-Method-Override",
    "X_HTTP_Method_Override",
    "X-Method-Override",
    "Gateway-Reason",
    "Gateway_Reason",
    "X-Tenant",
    "x_tenant",
]


@pytest.mark.parametrize("path", ["/public/x", "/optional/x", "/any/x"])
@pytest.mark.parametrize("name", SPOOFED)
def test_spoofed_headers_are_absent_upstream(gateway: RunningGateway, user: Granted, path: str, name: str) -> None:
    credentials = bearer(user) if path == "/any/x" else {}
    answer = gateway.http.get(path, headers={**credentials, name: "spoofed-value", "X-Kept": "kept"})
    seen = Echo.of(answer.content)
    assert "spoofed-value" not in str(seen.headers)
    assert seen.all("x-kept") == ["kept"]


def test_spoofed_headers_twice_and_through_connection(gateway: RunningGateway, user: Granted) -> None:
    lines = f"Authorization: {bearer(user)['Authorization']}\r\n"
    lines += "X-User-Id: a\r\nX-User-Id: b\r\nConnection: close, X-User-Id, X-User-Role, X-Forwarded-For\r\n"
    with RawClient(gateway.port) as client:
        seen = Echo.of(client.ask(f"GET /any/x HTTP/1.1\r\nHost: gw\r\n{lines}\r\n".encode()).body)
    assert seen.all("x-user-id") == [user["user_id"]]
    assert seen.all("x-user-role") == ["user"]
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]


# Each request has every fault from its own on: the first in the contract's order is the one that is told.
ORDER = [
    ("GET /nowhere//x", "", 400, "path-ambiguous"),
    ("GET /nowhere", "Authorization: Bearer x\r\nAuthorization: Bearer x\r\n", 400, "header-ambiguous"),
    ("PUT /public/../admin", "", 400, "path-ambiguous"),
    ("PUT /any//x", "", 400, "path-ambiguous"),
    ("POST /nowhere", "Content-Length: 99999999999\r\n", 413, "body-too-large"),
    ("PUT /public/x", "Content-Length: 99999999999\r\n", 413, "body-too-large"),
    ("POST /any/x", "Content-Length: 99999999999\r\n", 413, "body-too-large"),
    ("POST /nowhere", "", 404, "no-route"),
    ("POST /nowhere", "Authorization: Bearer x\r\n", 404, "no-route"),
    ("PUT /public/x", "Authorization: Bearer x\r\n", 405, "method-not-allowed"),
    ("GET /admin/x", "", 401, "token-missing"),
    ("GET /admin/x", "Authorization: Bearer x\r\n", 401, "token-malformed"),
    ("GET /admin/x", "Authorization: {user}\r\n", 403, "role-missing"),
]


@pytest.mark.parametrize(("line", "lines", "status", "reason"), ORDER)
def test_order_of_refusals(
    gateway: RunningGateway, echo: RawUpstream, user: Granted, line: str, lines: str, status: int, reason: str
) -> None:
    hits = echo.hits
    said = lines.replace("{user}", bearer(user)["Authorization"])
    with RawClient(gateway.port) as client:
        answer = client.ask(f"{line} HTTP/1.1\r\nHost: gw\r\n{said}\r\n".encode())
    assert (answer.status, answer.one(b"gateway-reason")) == (status, reason.encode())
    assert echo.hits == hits


def test_405_names_what_is_allowed(gateway: RunningGateway) -> None:
    answer = gateway.http.put("/public/x")
    assert_problem(answer, Reason.METHOD_NOT_ALLOWED)
    assert answer.headers["allow"] == "GET, POST"
    assert gateway.http.head("/public/x").status_code == 405


def test_strict_routes_see_a_logout_at_once(gateway: RunningGateway) -> None:
    session = gateway.register("strict@example.com")
    assert gateway.http.get("/strict/x", headers=bearer(session)).status_code == 200
    gateway.http.post("/auth/logout", headers=bearer(session))
    assert_problem(gateway.http.get("/strict/x", headers=bearer(session)), Reason.TOKEN_REVOKED)
    eventually(lambda: gateway.http.get("/any/x", headers=bearer(session)).status_code == 401, 1)


def test_absolute_targets_are_judged_by_their_own_host_and_path(gateway: RunningGateway, echo: RawUpstream) -> None:
    hits = echo.hits
    targets = {
        "http://gw/admin/x": 401,
        "http://gw/nowhere": 404,
        "http://gw//public/x": 400,
        "http://gw/public/%2e%2e/admin": 400,
        "http://user@gw/public/x": 400,
        "ftp://gw/public/x": 400,
        "http://": 400,
    }
    for target, status in targets.items():
        with RawClient(gateway.port) as client:
            answer = client.ask(f"GET {target} HTTP/1.1\r\nHost: public.test\r\n\r\n".encode())
            assert answer.status == status, target
    assert echo.hits == hits
