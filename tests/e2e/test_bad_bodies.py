"""Bad input to `/auth`: every sloppy request is a problem of the right kind, never a 500."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from gateway.reasons import Reason
from tests.support.problems import assert_problem
from tests.support.raw_client import RawClient
from tests.support.running_gateway import RunningGateway

JSON = {"Content-Type": "application/json"}
GOOD = {"email": "bad-input@example.com", "password": "password123", "display_name": "Test User"}
ENDPOINTS = {
    "register": GOOD,
    "login": {"email": "bad-input@example.com", "password": "password123"},
    "refresh": {"refresh_token": "a.b.c"},
    "logout": {"refresh_token": "a.b.c"},
}

BODIES = {
    "empty object": (b"{}", Reason.FIELD_INVALID),
    "cut": (b'{"email": "a', Reason.BODY_INVALID),
    "two values": (b"{} {}", Reason.BODY_INVALID),
    "array": (b"[]", Reason.FIELD_INVALID),
    "number": (b"1", Reason.FIELD_INVALID),
    "null": (b"null", Reason.FIELD_INVALID),
    "bad UTF-8": (b'{"email": "\xff\xfe"}', Reason.BODY_INVALID),
    "overlong UTF-8": (b'{"email": "\xc0\xaf"}', Reason.BODY_INVALID),
    "byte order mark": (b"\xef\xbb\xbf{}", Reason.BODY_INVALID),
    "UTF-16": ("{}".encode("utf-16"), Reason.BODY_INVALID),
    "lone surrogate": (b'{"email": "\\ud800"}', Reason.BODY_INVALID),
    "duplicate key": (b'{"email": "a@example.com", "email": "b@example.com"}', Reason.BODY_INVALID),
    "duplicate key by escape": (b'{"email": "a", "\\u0065mail": "b"}', Reason.BODY_INVALID),
    "NaN": (b'{"email": NaN}', Reason.BODY_INVALID),
    "comment": (b'{"email": "a" /* b */}', Reason.BODY_INVALID),
    "trailing comma": (b'{"email": "a",}', Reason.BODY_INVALID),
    "deep": (b"[" * 20_000, Reason.BODY_INVALID),
    "huge number": (b'{"email": ' + b"9" * 10_000 + b"}", Reason.BODY_INVALID),
    "too long": (b'{"email": "' + b"a" * 70_000 + b'"}', Reason.BODY_TOO_LARGE),
}


def post(gateway: RunningGateway, endpoint: str, body: bytes, **headers: str) -> httpx2.Response:
    return gateway.http.post(f"/auth/{endpoint}", content=body, headers={**JSON, **headers})


@pytest.mark.parametrize("endpoint", ["register", "login", "refresh"])
@pytest.mark.parametrize(("body", "reason"), BODIES.values(), ids=BODIES)
def test_sloppy_bodies(gateway: RunningGateway, endpoint: str, body: bytes, reason: Reason) -> None:
    assert_problem(post(gateway, endpoint, body), reason)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("value", [1, True, [], {}, 1.5], ids=repr)
def test_wrong_types_name_their_field(gateway: RunningGateway, endpoint: str, value: object) -> None:
    field = next(iter(ENDPOINTS[endpoint]))
    answer = post(gateway, endpoint, json.dumps({**ENDPOINTS[endpoint], field: value}).encode())
    problem = assert_problem(answer, Reason.FIELD_INVALID)
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("unknown", ["role", "is_admin", "sub", "exp", "user_id", "__proto__"])
def test_unknown_fields_are_refused(gateway: RunningGateway, endpoint: str, unknown: str) -> None:
    answer = post(gateway, endpoint, json.dumps({**ENDPOINTS[endpoint], unknown: "admin"}).encode())
    problem = assert_problem(answer, Reason.FIELD_INVALID)
    assert problem["errors"] == [{"field": unknown, "message": "is not a known field"}]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_control_characters_and_nul_are_never_a_fault(gateway: RunningGateway, endpoint: str) -> None:
    for field in ENDPOINTS[endpoint]:
        for value in ("a\x00b@example.com", "\x00", "a\nb", "\u202eevil", "\U0010ffff" * 50):
            answer = post(gateway, endpoint, json.dumps({**ENDPOINTS[endpoint], field: value}).encode())
            assert answer.status_code in (200, 401, 409, 422), (field, value, answer.text)


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_other_media_types(gateway: RunningGateway, media: str) -> None:
    answer = post(gateway, "login", json.dumps(ENDPOINTS["login"]).encode(), **{"Content-Type": media})
    assert_problem(answer, Reason.MEDIA_TYPE)


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_encoded_bodies_are_not_guessed_at(gateway: RunningGateway, encoding: str) -> None:
    answer = post(gateway, "login", b"\x1f\x8b\x08", **{"Content-Encoding": encoding})
    assert answer.status_code in (400, 415)


def test_a_body_that_grows_too_large_is_cut_off(gateway: RunningGateway) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * 4096

    answer = gateway.http.post("/auth/login", content=endless(), headers=JSON)
    assert_problem(answer, Reason.BODY_TOO_LARGE)


def test_no_body_at_all(gateway: RunningGateway) -> None:
    for endpoint in ("register", "login", "refresh"):
        assert gateway.http.post(f"/auth/{endpoint}").status_code == 415
        assert_problem(post(gateway, endpoint, b""), Reason.BODY_INVALID)
    assert_problem(gateway.http.post("/auth/logout"), Reason.TOKEN_MISSING)


METHODS = {
    "/auth/register": "POST",
    "/auth/login": "POST",
    "/auth/refresh": "POST",
    "/auth/me": "GET, POST",
    "/auth/logout": "POST",
    "/auth/logout-all": "POST",
    "/auth/sessions": "GET",
    "/auth/sessions/1": "DELETE",
    "/auth/password": "POST",
    "/.well-known/jwks.json": "GET",
}


@pytest.mark.parametrize(("path", "allowed"), METHODS.items(), ids=METHODS)
def test_wrong_methods_are_405_with_allow(gateway: RunningGateway, path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PURGE"} - set(allowed.split(", ")):
        answer = gateway.http.request(method, path)
        assert answer.status_code == 405, method
        assert answer.headers["allow"] == allowed
        if method != "HEAD":
            assert_problem(answer, Reason.METHOD_NOT_ALLOWED)


@pytest.mark.parametrize(
    "path",
    [
        "/auth",
        "/auth/",
        "/auth/nothing",
        "/auth/me/",
        "/auth/login/",
        "/auth/login/x",
        "/auth/sessions/",
        "/auth/sessions/1/2",
        "/auth/Me",
    ],
)
def test_unknown_paths_are_404(gateway: RunningGateway, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert_problem(gateway.http.request(method, path), Reason.NO_ROUTE)


@pytest.mark.parametrize(
    "target",
    [
        "/auth//me",
        "/auth/%2e%2e/any",
        "/auth;x/me",
        "/auth/me;x",
        "/auth%2Fme",
        "/auth/me%3Fx",
        "//auth/me",
        "/auth/me#x",
    ],
)
def test_ambiguous_spellings_are_400(gateway: RunningGateway, target: str) -> None:
    with RawClient(gateway.port) as client:
        answer = client.ask(f"GET {target} HTTP/1.1\r\nHost: gw\r\n\r\n".encode())
        assert answer.status == 400
        assert answer.one(b"gateway-reason") == b"path-ambiguous"


def test_an_encoded_letter_is_the_same_endpoint(gateway: RunningGateway) -> None:
    with RawClient(gateway.port) as client:
        assert client.ask(b"GET /auth/%6De HTTP/1.1\r\nHost: gw\r\n\r\n").one(b"gateway-reason") == b"token-missing"


@pytest.mark.parametrize("session_id", ["x", "%00", "..", "1'--", "a" * 2000, "%F0%9F%92%A9", "*"])
def test_odd_session_ids(gateway: RunningGateway, session_id: str) -> None:
    token = gateway.admin()["access_token"]
    head = f"DELETE /auth/sessions/{session_id} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {token}\r\n\r\n"
    with RawClient(gateway.port) as client:
        assert client.ask(head.encode()).status in (400, 404)
