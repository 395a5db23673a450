"""Which pages may read an answer, and what a browser that asks first is told."""

from collections.abc import Sequence

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as OwnRoute

from gateway.middleware.cors import CorsMiddleware, CrossOrigin
from gateway.middleware.preflight import PreflightMiddleware
from gateway.policy.cors import CorsPolicy
from gateway.policy.patterns import PathPattern
from gateway.policy.route import Route
from gateway.policy.table import RouteTable
from tests.middleware.asgi import Answer, Client, context_of, route_with

APP = b"https://app.example"
ONE = CorsPolicy(frozenset({APP}))
TRUSTED = CorsPolicy(frozenset({APP}), credentials=True)
ANYONE = CorsPolicy(frozenset(), anyone=True)
UPSTREAMS_OWN = (
    (b"Access-Control-Allow-Origin", b"https://evil.example"),
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-expose-headers", b"X-Secret"),
    (b"vary", b"Accept"),
)


def answering(everywhere: CorsPolicy | None = None, *headers: tuple[bytes, bytes]) -> tuple[Client, Answer]:
    answer = Answer(*headers)
    return Client(CorsMiddleware(answer, cross_origin=CrossOrigin(everywhere))), answer


@pytest.mark.parametrize(
    ("policy", "origin", "allowed"),
    [
        (ONE, APP, APP),
        (ONE, b"https://app.example:443", None),
        (ONE, b"http://app.example", None),
        (ONE, b"https://app.example:8443", None),
        (ONE, b"https://app.example.evil.test", None),
        (ONE, b"https://evilapp.example", None),
        (ONE, b"https://sub.app.example", None),
        (ONE, b"null", None),
        (ONE, b"", None),
        (ANYONE, b"https://whoever.example", b"*"),
        (ANYONE, b"null", None),
    ],
    ids=repr,
)
async def test_origins_are_compared_whole(policy: CorsPolicy, origin: bytes, allowed: bytes | None) -> None:
    client, _ = answering()
    await client.ask(context_of(route_with(cors=policy), headers=[(b"origin", origin)]))
    assert client.all(b"access-control-allow-origin") == ([] if allowed is None else [allowed])
    assert client.all(b"access-control-allow-credentials") == []
    assert client.all(b"vary") == [b"Origin"]


async def test_listed_origins_may_read_what_the_gateway_says() -> None:
    client, _ = answering()
    await client.ask(context_of(route_with(cors=TRUSTED), headers=[(b"origin", APP)]))
    assert client.all(b"access-control-allow-credentials") == [b"true"]
    (exposed,) = client.all(b"access-control-expose-headers")
    assert set(exposed.split(b", ")) == {
        b"Gateway-Reason",
        b"WWW-Authenticate",
        b"Retry-After",
        b"X-Request-Id",
        b"RateLimit-Limit",
        b"RateLimit-Remaining",
        b"RateLimit-Reset",
    }


@pytest.mark.parametrize("origins", [[], [APP, APP], [APP, b"https://evil.example"]], ids=len)
async def test_an_answer_to_no_one_origin_varies_and_grants_nothing(origins: Sequence[bytes]) -> None:
    client, _ = answering()
    await client.ask(context_of(route_with(cors=ONE), headers=[(b"origin", origin) for origin in origins]))
    assert client.all(b"access-control-allow-origin") == []
    assert client.all(b"vary") == [b"Origin"]


@pytest.mark.parametrize("origin", [APP, b"https://evil.example"])
async def test_the_upstreams_own_word_does_not_count(origin: bytes) -> None:
    client, _ = answering(None, *UPSTREAMS_OWN)
    await client.ask(context_of(route_with(cors=ONE), headers=[(b"origin", origin)]))
    assert client.all(b"access-control-allow-origin") == ([APP] if origin == APP else [])
    assert client.all(b"access-control-allow-credentials") == []
    assert b"X-Secret" not in b"".join(client.all(b"access-control-expose-headers"))
    assert client.all(b"vary") == [b"Accept", b"Origin"]


async def test_a_route_without_a_policy_leaves_everything_to_the_upstream() -> None:
    client, answer = answering(ONE, *UPSTREAMS_OWN)
    await client.ask(context_of(headers=[(b"origin", APP)]))
    assert client.messages[0]["headers"] == list(UPSTREAMS_OWN)
    assert answer.send == client.send


async def test_what_no_route_takes_goes_by_the_general_policy() -> None:
    client, _ = answering(ONE)
    await client.ask(context_of(None, headers=[(b"origin", APP)]))
    assert client.all(b"access-control-allow-origin") == [APP]


def path(text: str, methods: set[str] | None, cors: CorsPolicy | None) -> Route:
    listed = None if methods is None else frozenset(methods)
    name = f"{text} {sorted(methods or ())}"
    return route_with(name=name, path=PathPattern.parse(text), methods=listed, cors=cors)


async def _own(_request: Request) -> Response:
    return Response()


ROUTES = [
    path("/orders/{id}", {"GET", "PUT"}, TRUSTED),
    path("/orders/{id}", {"DELETE"}, None),
    path("/orders/{id}", {"PATCH"}, ANYONE),
    path("/open/**", None, ONE),
    path("/closed/**", None, None),
]


@pytest.fixture
def answer() -> Answer:
    return Answer()


@pytest.fixture
def browser(answer: Answer) -> Client:
    own = [OwnRoute("/auth/me", _own, methods=["GET"]), OwnRoute("/auth/sessions/{id}", _own, methods=["DELETE"])]
    layer = PreflightMiddleware(answer, cross_origin=CrossOrigin(ONE), table=RouteTable.build(ROUTES), own=own)
    return Client(layer)


async def preflight(
    browser: Client, target: bytes, method: bytes | None, *more: tuple[bytes, bytes], origin: bytes | None = APP
) -> int:
    headers = [*more]
    if method is not None:
        headers.append((b"access-control-request-method", method))
    if origin is not None:
        headers.append((b"origin", origin))
    return await browser.ask(context_of(None, method="OPTIONS", target=target, headers=headers))


async def test_a_preflight_is_answered_by_the_gateway(browser: Client, answer: Answer) -> None:
    asked = (b"access-control-request-headers", b"authorization,Content-Type")
    assert await preflight(browser, b"/orders/7", b"PUT", asked) == 204
    assert answer.asked == 0
    assert browser.all(b"access-control-allow-origin") == [APP]
    assert browser.all(b"access-control-allow-credentials") == [b"true"]
    assert browser.all(b"access-control-allow-headers") == [b"authorization, content-type"]
    assert browser.all(b"access-control-max-age") == [b"600"]
    assert browser.all(b"access-control-expose-headers") == []
    assert browser.all(b"vary") == [b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"]
    assert browser.all(b"x-request-id") == [b"r-1"]
    assert browser.messages[1] == {"type": "http.response.body", "body": b""}


@pytest.mark.parametrize(
    ("target", "method", "methods"),
    [
        (b"/orders/7", b"GET", b"GET, PUT"),
        (b"/orders/7", b"PATCH", b"PATCH"),
        (b"/open/x", b"POST", b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        (b"/open/x", b"REPORT", b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, REPORT"),
        (b"/auth/sessions/1", b"DELETE", b"DELETE"),
    ],
)
async def test_only_methods_under_the_same_policy_are_named(
    browser: Client, target: bytes, method: bytes, methods: bytes
) -> None:
    """A browser keeps the list, and would send a method of another route on its strength."""
    assert await preflight(browser, target, method) == 204
    assert browser.all(b"access-control-allow-methods") == [methods]


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null"])
async def test_other_origins_are_told_nothing(browser: Client, answer: Answer, origin: bytes) -> None:
    assert await preflight(browser, b"/orders/7", b"GET", origin=origin) == 204
    assert answer.asked == 0
    assert not [name for name, _ in browser.messages[0]["headers"] if name.startswith(b"access-control-")]
    assert browser.all(b"vary")


@pytest.mark.parametrize(
    ("target", "method", "origin"),
    [
        (b"/orders/7", b"GET", None),
        (b"/orders/7", None, APP),
        (b"/orders/7", b"DELETE", APP),
        (b"/orders/7", b"POST", APP),
        (b"/orders/7", b"get", APP),
        (b"/orders/7", b"GET, PUT", APP),
        (b"/open/x", b"TRACE", APP),
        (b"/open/x", b"CONNECT", APP),
        (b"/closed/x", b"GET", APP),
        (b"/nowhere", b"GET", APP),
        (b"/orders//7", b"GET", APP),
        (b"/auth/me", b"POST", APP),
        (b"/auth/nothing", b"GET", APP),
        (b"/auth//me", b"GET", APP),
    ],
    ids=repr,
)
async def test_what_is_not_ours_to_answer_passes(
    browser: Client, answer: Answer, target: bytes, method: bytes | None, origin: bytes | None
) -> None:
    assert await preflight(browser, target, method, origin=origin) == 200
    assert answer.asked == 1


async def test_only_options_asks(browser: Client, answer: Answer) -> None:
    headers = [(b"origin", APP), (b"access-control-request-method", b"GET")]
    assert await browser.ask(context_of(None, target=b"/orders/7", headers=headers)) == 200
    assert answer.asked == 1


async def test_two_asked_methods_are_no_preflight(browser: Client, answer: Answer) -> None:
    await preflight(browser, b"/orders/7", b"GET", (b"access-control-request-method", b"PUT"))
    assert answer.asked == 1


@pytest.mark.parametrize(
    ("asked", "echoed"),
    [
        ([b""], []),
        ([b"X-A, x-a,,X-B"], [b"x-a, x-b"]),
        ([b"x-a", b"x-b"], [b"x-a, x-b"]),
        ([b"x a, x\x01b, <script>, x-c"], [b"x-c"]),
        ([b"*"], []),
    ],
    ids=repr,
)
async def test_asked_headers_are_echoed_when_they_are_names(
    browser: Client, asked: list[bytes], echoed: list[bytes]
) -> None:
    await preflight(browser, b"/orders/7", b"GET", *((b"access-control-request-headers", value) for value in asked))
    assert browser.all(b"access-control-allow-headers") == echoed
