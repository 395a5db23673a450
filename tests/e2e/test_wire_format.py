"""The bytes of `/auth` that clients are written against: statuses, keys, types, headers."""

import base64
import re
from typing import Any

import httpx2
import jwt
import pytest

from gateway.reasons import Reason
from tests.support.problems import assert_problem
from tests.support.running_gateway import SECRET, RunningGateway, bearer

USER = {"user_id": str, "email": str, "display_name": str, "role": str}
TOKENS = {
    "access_token": str,
    "refresh_token": str,
    "token_type": str,
    "expires_in": int,
    "refresh_expires_in": int,
    "session_id": str,
    "server_time": int,
}
JWT = r"[\w-]+\.[\w-]+\.[\w-]+"


def success(answer: httpx2.Response) -> dict[str, Any]:
    """The body within the envelope, after everything that all successful answers share."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert "gateway-reason" not in answer.headers
    envelope = answer.json()
    assert list(envelope) == ["statusCode", "body"]
    assert envelope["statusCode"] == 200
    body: dict[str, Any] = envelope["body"]
    return body


def types(body: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in body.items()}


def test_the_documented_account_works(gateway: RunningGateway) -> None:
    account = {"email": "test@example.com", "password": "password123"}
    registered = success(gateway.http.post("/auth/register", json={**account, "display_name": "Test User"}))
    assert types(registered) == {**USER, **TOKENS}
    assert registered["email"] == "test@example.com"
    assert registered["display_name"] == "Test User"
    assert registered["role"] == "user"
    assert registered["token_type"] == "bearer"
    assert registered["expires_in"] == 30 * 60
    assert registered["refresh_expires_in"] == 7 * 86400
    again = gateway.http.post("/auth/register", json={**account, "display_name": "Test User"})
    assert_problem(again, Reason.EMAIL_TAKEN)
    logged_in = success(gateway.http.post("/auth/login", json=account))
    assert types(logged_in) == {**USER, **TOKENS}
    assert logged_in["user_id"] == registered["user_id"]
    assert logged_in["session_id"] != registered["session_id"]
    refreshed = success(gateway.http.post("/auth/refresh", json={"refresh_token": logged_in["refresh_token"]}))
    assert types(refreshed) == {**USER, **TOKENS}
    assert refreshed["session_id"] == logged_in["session_id"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_me(gateway: RunningGateway, method: str) -> None:
    granted = gateway.register(f"me-{method.lower()}@example.com")
    answer = gateway.http.request(method, "/auth/me", headers=bearer(granted))
    assert success(answer) == {name: granted[name] for name in (*USER, "session_id")}
    assert re.search(JWT, answer.text) is None


def test_sessions(gateway: RunningGateway) -> None:
    granted = gateway.register("sessions@example.com")
    listed = success(gateway.http.get("/auth/sessions", headers={**bearer(granted), "User-Agent": "x"}))
    (session,) = listed["sessions"]
    assert session.keys() == {"id", "created", "last_used", "expires", "agent", "address", "current"}
    assert session["id"] == granted["session_id"]
    assert session["agent"].startswith("python-httpx2/")
    assert session["address"] == "127.0.0.1"
    assert session["current"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", session["created"])


def test_a_service_verifies_with_plain_pyjwt(gateway: RunningGateway) -> None:
    granted = gateway.register("pyjwt@example.com")
    claims = jwt.decode(granted["access_token"], base64.b64decode(SECRET), algorithms=["HS256"])
    assert {name: claims[name] for name in USER} == {name: granted[name] for name in USER}
    assert claims["sub"] == granted["user_id"]
    assert claims["sid"] == granted["session_id"]
    assert claims["token_type"] == "access"
    assert claims["iss"] == "gateway"
    assert claims["exp"] - claims["iat"] == granted["expires_in"]
    assert "aud" not in claims
    assert jwt.get_unverified_header(granted["access_token"]).keys() == {"alg", "typ", "kid"}
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(granted["refresh_token"], base64.b64decode(SECRET), algorithms=["HS256"])


def test_jwks_holds_no_secret(gateway: RunningGateway) -> None:
    answer = gateway.http.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.json() == {"keys": []}
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_refusals_say_how_to_authenticate(gateway: RunningGateway) -> None:
    missing = gateway.http.get("/auth/me")
    assert_problem(missing, Reason.TOKEN_MISSING, "Not authenticated")
    assert missing.headers["www-authenticate"] == 'Bearer realm="gateway"'
    invalid = gateway.http.get("/auth/me", headers={"Authorization": "Bearer a.b.c"})
    assert 'error="invalid_token"' in invalid.headers["www-authenticate"]
    granted = gateway.register("challenge@example.com")
    forbidden = gateway.http.get("/admin/x", headers=bearer(granted))
    assert_problem(forbidden, Reason.ROLE_MISSING, "Admin access required")
    assert 'error="insufficient_scope"' in forbidden.headers["www-authenticate"]


def test_wrong_credentials_and_unknown_users_look_the_same(gateway: RunningGateway) -> None:
    gateway.register("known@example.com")
    problems = []
    for email in ("known@example.com", "unknown@example.com", "no address"):
        answer = gateway.http.post("/auth/login", json={"email": email, "password": "not-the-password"})
        problem = assert_problem(answer, Reason.CREDENTIALS_INVALID, "Invalid credentials")
        problems.append({**problem, "request_id": ""})
    assert problems[0] == problems[1] == problems[2]


def test_every_faulty_field_is_named(gateway: RunningGateway) -> None:
    answer = gateway.http.post("/auth/register", json={"email": "no", "password": "short", "display_name": ""})
    problem = assert_problem(answer, Reason.FIELD_INVALID)
    assert {error["field"] for error in problem["errors"]} == {"email", "password", "display_name"}
    assert all(error.keys() == {"field", "message"} and error["message"] for error in problem["errors"])


def test_email_is_looked_up_without_case(gateway: RunningGateway) -> None:
    granted = gateway.register("Mixed.Case@Example.com")
    assert granted["email"] == "Mixed.Case@Example.com"
    assert gateway.login("mixed.case@example.COM", "password123")["user_id"] == granted["user_id"]


def test_logout_says_so(gateway: RunningGateway) -> None:
    granted = gateway.register("logout@example.com")
    answer = gateway.http.post("/auth/logout", json={"refresh_token": granted["refresh_token"]})
    assert success(answer) == {"logged_out": True}
