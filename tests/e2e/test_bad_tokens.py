"""Wrong, expired, foreign, oversized and misplaced tokens: status and reason of each, on a route and on `/auth/me`."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from gateway.reasons import Reason
from tests.support.problems import assert_problem
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import SECRET, RunningGateway, bearer

KEY = base64.b64decode(SECRET)
Granted = dict[str, Any]


@pytest.fixture(scope="module")
def granted(gateway: RunningGateway) -> Granted:
    return gateway.register("tokens@example.com")


def forged(granted: Granted, *, key: bytes = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """The access token signed anew with other claims; a claim that is None is left out."""
    own = jwt.get_unverified_header(granted["access_token"])
    said = jwt.decode(granted["access_token"], KEY, algorithms=["HS256"])
    merged = {name: value for name, value in {**said, **claims}.items() if value is not None}
    names = {name: value for name, value in {**own, **(header or {})}.items() if value is not None}
    return jwt.encode(merged, key, algorithm="HS256", headers=names)


def expired(granted: Granted) -> str:
    return forged(granted, iat=granted["server_time"] - 60, exp=granted["server_time"] - 30)


def unsigned(granted: Granted) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).rstrip(b"=").decode()
    return f"{head}.{granted['access_token'].split('.')[1]}."


def tampered(granted: Granted) -> str:
    head, claims, signature = granted["access_token"].split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    other = base64.urlsafe_b64encode(json.dumps({**said, "role": "admin"}).encode()).rstrip(b"=").decode()
    return f"{head}.{other}.{signature}"


TOKENS: dict[str, tuple[Callable[[Granted], str], Reason]] = {
    "no token at all": (lambda _: "garbage", Reason.TOKEN_MALFORMED),
    "three bad segments": (lambda _: "a.b.c", Reason.TOKEN_MALFORMED),
    "cut": (lambda g: g["access_token"][:-2], Reason.TOKEN_MALFORMED),
    "two segments": (lambda g: g["access_token"].rpartition(".")[0], Reason.TOKEN_MALFORMED),
    "padded": (lambda g: g["access_token"] + "=", Reason.TOKEN_MALFORMED),
    "oversized": (lambda g: forged(g, note="x" * 9000), Reason.TOKEN_MALFORMED),
    "other claims, old signature": (tampered, Reason.TOKEN_INVALID),
    "alg none": (unsigned, Reason.TOKEN_MALFORMED),
    "another key": (lambda g: forged(g, key=bytes(32)), Reason.TOKEN_INVALID),
    "unknown kid": (lambda g: forged(g, header={"kid": "other"}), Reason.TOKEN_INVALID),
    "expired": (lambda g: expired(g), Reason.TOKEN_EXPIRED),
    "not yet valid": (lambda g: forged(g, nbf=g["server_time"] + 600), Reason.TOKEN_INVALID),
    "exp as text": (lambda g: forged(g, exp="9999999999"), Reason.TOKEN_INVALID),
    "no exp": (lambda g: forged(g, exp=None), Reason.TOKEN_INVALID),
    "no sub": (lambda g: forged(g, sub=None), Reason.TOKEN_INVALID),
    "refresh token": (lambda g: g["refresh_token"], Reason.TOKEN_WRONG_TYPE),
    "token_type refresh": (lambda g: forged(g, token_type="refresh"), Reason.TOKEN_WRONG_TYPE),
    "our key, foreign issuer": (lambda g: forged(g, iss="https://other.example"), Reason.TOKEN_INVALID),
    "foreign": (
        lambda g: forged(g, key=bytes(32), header={"kid": "other"}, iss="https://other.example"),
        Reason.ISSUER_UNKNOWN,
    ),
}


@pytest.mark.parametrize("path", ["/any/x", "/optional/x", "/strict/x", "/auth/me"])
@pytest.mark.parametrize(("make", "reason"), TOKENS.values(), ids=TOKENS)
def test_bad_tokens(
    gateway: RunningGateway,
    echo: RawUpstream,
    granted: Granted,
    path: str,
    make: Callable[[Granted], str],
    reason: Reason,
) -> None:
    hits = echo.hits
    answer = gateway.http.get(path, headers={"Authorization": f"Bearer {make(granted)}"})
    problem = assert_problem(answer, reason)
    assert problem["detail"] in ("Invalid token", "Token has expired", "Invalid token type")
    assert echo.hits == hits


def test_the_forger_makes_good_tokens_too(gateway: RunningGateway, granted: Granted) -> None:
    assert gateway.http.get("/any/x", headers={"Authorization": f"Bearer {forged(granted)}"}).status_code == 200


def test_a_bad_token_on_a_public_route_is_ignored(gateway: RunningGateway, granted: Granted) -> None:
    for make, _ in TOKENS.values():
        token = make(granted)
        if len(token) < 8192:
            assert gateway.http.get("/public/x", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize("target", ["/any/x", "/optional/x", "/auth/me", "/auth/logout-all"])
def test_tokens_in_two_places(gateway: RunningGateway, echo: RawUpstream, granted: Granted, target: str) -> None:
    token, method = granted["access_token"], "POST" if target.endswith("all") else "GET"
    line = f"Authorization: Bearer {token}\r\n"
    hits = echo.hits
    heads = {
        "two lines": f"{method} {target} HTTP/1.1\r\nHost: gw\r\n{line}{line}\r\n",
        "two lines, one Basic": f"{method} {target} HTTP/1.1\r\nHost: gw\r\n{line}Authorization: Basic YTpi\r\n\r\n",
        "header and query": f"{method} {target}?access_token={token} HTTP/1.1\r\nHost: gw\r\n{line}\r\n",
        "escaped query": f"{method} {target}?a=1&access%5ftoken={token} HTTP/1.1\r\nHost: gw\r\n{line}\r\n",
    }
    for name, head in heads.items():
        with RawClient(gateway.port) as client:
            answer = client.ask(head.encode())
            assert (answer.status, answer.one(b"gateway-reason")) == (400, b"header-ambiguous"), name
    assert echo.hits == hits


@pytest.mark.parametrize("path", ["/any/x", "/optional/x", "/auth/me"])
def test_a_token_in_the_query_is_refused(
    gateway: RunningGateway, echo: RawUpstream, granted: Granted, path: str
) -> None:
    hits = echo.hits
    answer = gateway.http.get(f"{path}?access_token={granted['access_token']}")
    assert_problem(answer, Reason.TOKEN_MALFORMED)
    assert echo.hits == hits
    assert granted["access_token"] not in gateway.output.read_text()


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer  {}", "Bearer\t{}", "Bearer {},{}", "Bearer {} ", "Bearer:{}", "bearer{}"]
)
def test_lax_spellings(gateway: RunningGateway, granted: Granted, value: str) -> None:
    said = value.replace("{}", granted["access_token"])
    with RawClient(gateway.port) as client:
        client.send(f"GET /any/x HTTP/1.1\r\nHost: gw\r\nAuthorization: {said}\r\n\r\n".encode())
        answer = client.response()
    # RFC 9110 section 5.5: white space around a value is not part of it.
    assert answer.status == (200 if value == "Bearer {} " else 401)


def test_an_access_token_does_not_refresh(gateway: RunningGateway, granted: Granted) -> None:
    answer = gateway.http.post("/auth/refresh", json={"refresh_token": granted["access_token"]})
    assert_problem(answer, Reason.TOKEN_WRONG_TYPE, "Invalid token type")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 9000, "é", "a.b.c.d", "..", "\x00"])
def test_bad_refresh_tokens(gateway: RunningGateway, token: str) -> None:
    for endpoint in ("refresh", "logout"):
        answer = gateway.http.post(f"/auth/{endpoint}", json={"refresh_token": token})
        assert_problem(answer, Reason.TOKEN_MALFORMED)


def test_a_forged_refresh_token_is_refused(gateway: RunningGateway, granted: Granted) -> None:
    head, claims, signature = granted["refresh_token"].split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    answer = gateway.http.post("/auth/refresh", json={"refresh_token": f"{head}.{claims}.{changed}"})
    assert_problem(answer, Reason.TOKEN_INVALID)
    assert gateway.http.get("/any/x", headers=bearer(granted)).status_code == 200


def test_logout_with_an_expired_access_token_and_a_good_refresh_token(gateway: RunningGateway) -> None:
    session = gateway.register("expired-logout@example.com")
    headers = {"Authorization": f"Bearer {expired(session)}"}
    assert_problem(gateway.http.post("/auth/logout", headers=headers), Reason.TOKEN_EXPIRED)
    body = {"refresh_token": session["refresh_token"]}
    answer = gateway.http.post("/auth/logout", headers=headers, json=body)
    assert answer.json() == {"statusCode": 200, "body": {"logged_out": True}}
    assert_problem(gateway.http.post("/auth/refresh", json=body), Reason.SESSION_ENDED)
