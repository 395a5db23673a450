"""What browsers on another origin meet: preflights, answers, and refusals they may read."""

from collections.abc import Iterator

import httpx2
import pytest

from gateway.reasons import Reason
from tests.support.echo_upstream import Echo
from tests.support.eventually import eventually
from tests.support.problems import assert_problem
from tests.support.raw_upstream import RawUpstream, answers, ok
from tests.support.running_gateway import RunningGateway, bearer

APP, PARTNER, EVIL = "https://app.example", "https://partner.example:8443", "https://evil.example"
MORE = """
  - {name: partner, path: /partner/**, access: public, upstream: echo, cors: {origins: ["https://partner.example:8443"]}}
  - {name: anyone, path: /anyone/**, access: public, upstream: own, cors: {origins: ["*"]}}
  - {name: theirs, path: /theirs/**, access: public, upstream: own, cors: {}}
  - {name: small, path: /small/**, access: public, upstream: echo, body_limit: 10B}
  - {name: slow, path: /slow/**, access: public, upstream: echo, rate_limit: {rate: 1/h, per: route}}
  - {name: gone, path: /gone/**, access: public, upstream: gone}
cors: {origins: ["https://app.example"], credentials: true}
"""
OWN = ok(b"ok", b"Access-Control-Allow-Origin: https://evil.example", b"Vary: Accept", b"X-Total: 7")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream) -> Iterator[RunningGateway]:
    with RawUpstream(answers(OWN), timeout=60) as own:
        directory = tmp_path_factory.mktemp("origins")
        started = RunningGateway(directory, upstream=echo.url, more_routes=MORE)
        text = started.config.read_text()
        others = f'  own: {{targets: ["{own.url}"]}}\n  gone: {{targets: ["http://127.0.0.1:9"]}}\n'
        started.config.write_text(text.replace("routes:\n", others + "routes:\n", 1))
        try:
            yield started.start()
        finally:
            started.stop()
            started.http.close()


def ask(
    gateway: RunningGateway, path: str, origin: str | None = APP, method: str = "GET", **kw: object
) -> httpx2.Response:
    headers = {"Origin": origin} if origin is not None else {}
    more = kw.pop("headers", None)
    if isinstance(more, dict):
        headers.update(more)
    return gateway.http.request(method, path, headers=headers, **kw)  # type: ignore[arg-type]


def preflight(gateway: RunningGateway, path: str, method: str, origin: str = APP, asked: str = "") -> httpx2.Response:
    headers = {"Access-Control-Request-Method": method}
    if asked:
        headers["Access-Control-Request-Headers"] = asked
    return ask(gateway, path, origin, "OPTIONS", headers=headers)


def readable(answer: httpx2.Response) -> str | None:
    """The origin whose pages may read the answer."""
    assert "Origin" in answer.headers["vary"]
    return answer.headers.get("access-control-allow-origin")


def test_an_answer_of_the_upstream_may_be_read(gateway: RunningGateway) -> None:
    answer = ask(gateway, "/public/x")
    assert answer.status_code == 200
    assert readable(answer) == APP
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert Echo.of(answer.content).all("origin") == [APP]


@pytest.mark.parametrize("origin", [None, EVIL, "null"])
def test_others_get_the_answer_and_no_leave_to_read_it(gateway: RunningGateway, origin: str | None) -> None:
    answer = ask(gateway, "/public/x", origin)
    assert (answer.status_code, readable(answer)) == (200, None)
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("GET", "/public//x", Reason.PATH_AMBIGUOUS),
        ("GET", "/any/x", Reason.TOKEN_MISSING),
        ("GET", "/nowhere", Reason.NO_ROUTE),
        ("DELETE", "/public/x", Reason.METHOD_NOT_ALLOWED),
        ("POST", "/small/x", Reason.BODY_TOO_LARGE),
        ("GET", "/gone/x", Reason.UPSTREAM_UNREACHABLE),
        ("GET", "/auth/me", Reason.TOKEN_MISSING),
        ("GET", "/auth/nothing", Reason.NO_ROUTE),
        ("GET", "/auth/login", Reason.METHOD_NOT_ALLOWED),
    ],
)
def test_refusals_may_be_read_too(gateway: RunningGateway, method: str, path: str, reason: Reason) -> None:
    answer = ask(gateway, path, method=method, content=b"x" * 100 if method == "POST" else None)
    assert_problem(answer, reason)
    assert readable(answer) == APP
    assert "Gateway-Reason" in answer.headers["access-control-expose-headers"]
    assert readable(ask(gateway, path, EVIL, method)) is None


def test_403_and_429_may_be_read_too(gateway: RunningGateway) -> None:
    user = bearer(gateway.register("origin@example.com"))
    denied = ask(gateway, "/admin/x", headers=user)
    assert (denied.headers["gateway-reason"], readable(denied)) == ("role-missing", APP)
    ask(gateway, "/slow/x")
    limited = ask(gateway, "/slow/x")
    assert (limited.headers["gateway-reason"], readable(limited)) == ("rate-limited", APP)


def test_a_page_may_sign_in_from_its_own_origin(gateway: RunningGateway) -> None:
    asked = preflight(gateway, "/auth/login", "POST", asked="content-type")
    assert asked.status_code == 204
    assert readable(asked) == APP
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert asked.headers["access-control-allow-headers"] == "content-type"
    gateway.register("page@example.com")
    answer = ask(gateway, "/auth/login", method="POST", json={"email": "page@example.com", "password": "password123"})
    assert (answer.status_code, readable(answer)) == (200, APP)
    assert answer.headers["cache-control"] == "no-store"


def test_preflights_need_no_token_reach_no_upstream_and_are_not_counted(
    gateway: RunningGateway, echo: RawUpstream
) -> None:
    before = echo.hits
    for path in ("/any/x", "/admin/x", "/slow/x", "/slow/x", "/slow/x"):
        answer = preflight(gateway, path, "GET", asked="authorization")
        assert (answer.status_code, readable(answer), answer.content) == (204, APP, b"")
        assert answer.headers["access-control-allow-headers"] == "authorization"
        assert "content-length" not in answer.headers
    assert echo.hits == before
    eventually(lambda: any(line.get("method") == "OPTIONS" for line in gateway.log_lines()))
    assert {line["status"] for line in gateway.log_lines() if line.get("method") == "OPTIONS"} >= {204}


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/nowhere", "GET", 404), ("/public/x", "PUT", 405), ("/auth/login", "GET", 405)]
)
def test_a_preflight_for_what_is_not_there_is_an_ordinary_request(
    gateway: RunningGateway, path: str, method: str, status: int
) -> None:
    answer = preflight(gateway, path, method)
    assert answer.status_code == status
    assert "access-control-allow-methods" not in answer.headers


def test_a_routes_own_origins_replace_the_general_ones(gateway: RunningGateway) -> None:
    assert readable(ask(gateway, "/partner/x", PARTNER)) == PARTNER
    assert readable(ask(gateway, "/partner/x", APP)) is None
    assert "access-control-allow-credentials" not in ask(gateway, "/partner/x", PARTNER).headers
    assert readable(preflight(gateway, "/partner/x", "GET", PARTNER)) == PARTNER
    assert readable(preflight(gateway, "/partner/x", "GET", APP)) is None


def test_an_upstreams_own_word_is_replaced(gateway: RunningGateway) -> None:
    answer = ask(gateway, "/anyone/x", EVIL)
    assert readable(answer) == "*"
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.headers["x-total"] == "7"
    assert readable(ask(gateway, "/anyone/x", None)) is None


def test_a_route_may_leave_it_to_the_upstream(gateway: RunningGateway) -> None:
    answer = ask(gateway, "/theirs/x", APP)
    assert answer.headers["access-control-allow-origin"] == EVIL
    assert answer.headers["vary"] == "Accept"
    assert preflight(gateway, "/theirs/x", "GET").headers["x-total"] == "7"
