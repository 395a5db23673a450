"""Known bypasses of gateways, as raw bytes; ids name the advisory. What must not pass does not reach the upstream."""

from typing import Any

import pytest

from tests.support.echo_upstream import Echo
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway, bearer

BAD, ANONYMOUS, DEFAULT = (400,), (401,), (400, 401, 404)

PATHS = [
    ("Oathkeeper GHSA-p224-6x5r-fjpm", "/public/../admin/x", BAD),
    ("heimdall CVE-2026-42274", "/public/%2e%2e/admin/x", BAD),
    ("heimdall CVE-2026-42274 mixed", "/public/.%2E/admin/x", BAD),
    ("double-encoded dots", "/public/%252e%252e/admin/x", BAD),
    ("heimdall CVE-2026-42272", "/public%2f..%2fadmin/x", BAD),
    ("heimdall CVE-2026-42272 upper case", "/public%2F..%2Fadmin/x", BAD),
    ("Traefik CVE-2025-66490 slash", "/admin%2Fx", BAD),
    ("Traefik CVE-2025-66490 backslash", "/admin%5Cx", BAD),
    ("Traefik CVE-2025-66490 NUL", "/admin%00", BAD),
    ("Traefik CVE-2025-66490 semicolon", "/admin%3Bx", BAD),
    ("Traefik CVE-2025-66490 question mark", "/admin%3Fx", BAD),
    ("Traefik CVE-2025-66490 hash", "/admin%23x", BAD),
    ("Traefik GHSA-xf64-8mw2-4gr2", "/any/../admin/x", BAD),
    ("Traefik GHSA-xf64-8mw2-4gr2 encoded", "/any/%2e%2e/admin/x", BAD),
    ("Traefik CVE-2026-40912", "/any%2e/admin/secret", BAD),
    ("Envoy CVE-2021-29492 slashes", "//admin/x", BAD),
    ("Envoy CVE-2021-29492 encoded slash", "/%2Fadmin/x", BAD),
    ("Envoy CVE-2021-29492 backslash", "/\\admin/x", BAD),
    ("Envoy CVE-2021-29492 encoded backslash", "/%5cadmin/x", BAD),
    ("OPA-Envoy CVE-2026-26205", "//public/x", BAD),
    ("Envoy CVE-2021-32779", "/admin/x#/public/y", BAD),
    ("oauth2-proxy CVE-2026-41059", "/admin/x%23/public/bar", BAD),
    ("oauth2-proxy CVE-2026-41059 raw", "/public/x#/../admin", BAD),
    ("oauth2-proxy CVE-2025-54576", "/admin/x?next=/public/y", ANONYMOUS),
    ("Caddy CVE-2026-27587", "/ADMIN/x", DEFAULT),
    ("Caddy CVE-2026-27587 space", "/Admin%20x", DEFAULT),
    ("grpc-go CVE-2026-33186", "admin/x", BAD),
    ("grpc-go CVE-2026-33186 absolute", "http://h/admin/x", ANONYMOUS),
    ("Keycloak CVE-2026-15573 slash", "/admin/", ANONYMOUS),
    ("Keycloak CVE-2026-15573 slash below", "/admin/x/", ANONYMOUS),
    ("Keycloak CVE-2026-15573 matrix", "/admin;a=b/x", BAD),
    ("Keycloak CVE-2026-15573 dots", "/public;/../admin/x", BAD),
    ("Tomcat dots", "/public/..;/admin/x", BAD),
    ("dots and a space", "/public/..%20/admin/x", BAD),
    ("SciTokens CVE-2026-32716", "/publicity", DEFAULT),
    ("Spring CVE-2022-22978", "/admin/x%0a", BAD),
    ("Spring CVE-2023-34034", "/admin/%0d", BAD),
    ("overlong UTF-8", "/public/%c0%ae%c0%ae/admin/x", BAD),
    ("cut escape", "/public/%2", BAD),
    ("odd escape", "/public/%zz", BAD),
    ("encoded letter", "/%61dmin/x", ANONYMOUS),
]


@pytest.mark.parametrize(("target", "statuses"), [row[1:] for row in PATHS], ids=[row[0] for row in PATHS])
def test_paths(gateway: RunningGateway, echo: RawUpstream, target: str, statuses: tuple[int, ...]) -> None:
    hits = echo.hits
    for _ in range(2):
        with RawClient(gateway.port) as client:
            answer = client.ask(f"GET {target} HTTP/1.1\r\nHost: gw.test\r\n\r\n".encode("latin-1"))
            assert answer.status in statuses
    assert echo.hits == hits


@pytest.mark.parametrize("host", ["h/public?", "h/public#", "h\\public", "h@public", "h:80/public"])
def test_the_host_does_not_rewrite_the_path(gateway: RunningGateway, echo: RawUpstream, host: str) -> None:
    """Starlette CVE-2026-48710: the path is never read from a URL that the Host header is a part of."""
    hits = echo.hits
    with RawClient(gateway.port) as client:
        assert client.ask(f"GET /admin/x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status == 400
    assert echo.hits == hits


LIES = [
    ("oauth2-proxy CVE-2026-40575", "X-Forwarded-Uri: /public"),
    ("oauth2-proxy #3506", "X-Forwarded-Method: GET"),
    ("X-Original-URL", "X-Original-URL: /public"),
    ("X-Rewrite-URL", "X-Rewrite-URL: /public"),
    ("method override", "X-HTTP-Method-Override: POST"),
    ("oauth2-proxy CVE-2026-34457", "User-Agent: GoogleHC/1.0"),
    ("forwarded for", "X-Forwarded-For: 127.0.0.1"),
    ("forwarded host", "X-Forwarded-Host: localhost"),
    ("identity", "X-User-Id: admin\r\nX-User-Role: admin"),
    ("remote user", "Remote-User: admin"),
    ("Traefik CVE-2024-45410", "Connection: close, Authorization, X-User-Id"),
    ("websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eHh4"),
]


@pytest.mark.parametrize("lines", [lie for _, lie in LIES], ids=[name for name, _ in LIES])
def test_headers_do_not_open_a_route(gateway: RunningGateway, echo: RawUpstream, lines: str) -> None:
    hits = echo.hits
    with RawClient(gateway.port) as client:
        answer = client.ask(f"GET /admin/x HTTP/1.1\r\nHost: gw.test\r\n{lines}\r\n\r\n".encode())
    assert (answer.status, answer.one(b"gateway-reason")) == (401, b"token-missing")
    assert echo.hits == hits


@pytest.mark.parametrize("method", ["get", "FOO", "HEAD", "TRACE", "CONNECT", "OPTIONS", "PROPFIND"])
def test_odd_methods_open_nothing(gateway: RunningGateway, echo: RawUpstream, method: str) -> None:
    hits = echo.hits
    for target in ("/admin/x", "/public/x"):
        with RawClient(gateway.port) as client:
            answer = client.ask(f"{method} {target} HTTP/1.1\r\nHost: gw.test\r\n\r\n".encode())
            assert answer.status in (400, 401, 405, 501)
    assert echo.hits == hits


def test_cookies_of_one_user_do_not_reach_another(gateway: RunningGateway) -> None:
    """fastapi-proxy-lib GHSA-7vwr-g6pm-9hc8: no cookie jar is shared."""
    assert Echo.of(gateway.http.get("/public/x", headers={"Cookie": "s=1"}).content).all("cookie") == ["s=1"]
    assert Echo.of(gateway.http.get("/public/x").content).all("cookie") == []


def test_odd_cookies_are_no_identity(gateway: RunningGateway) -> None:
    """authentik CVE-2026-25748: a broken session cookie must not count as a session."""
    for cookie in ("x", "", "a" * 3000, "__Host-access=x", "session=valid; session=garbage"):
        assert gateway.http.get("/any/x", headers={"Cookie": cookie}).status_code == 401


def test_log_lines_cannot_be_injected(gateway: RunningGateway) -> None:
    """Envoy CVE-2024-45808: one line a request, whatever it says."""
    with RawClient(gateway.port) as client:
        client.send(b'GET /public/"}%22%7B?access_token=canary HTTP/1.1\r\nHost: gw\r\nUser-Agent: \x80"\\\r\n\r\n')
        request_id = (client.response().one(b"x-request-id") or b"").decode()
    eventually(lambda: request_id in gateway.output.read_text())
    (line,) = [each for each in gateway.log_lines() if each.get("request_id") == request_id]
    assert line["path"].startswith("/public/")
    assert "canary" not in gateway.output.read_text()


def test_forwarded_host_is_not_echoed(gateway: RunningGateway) -> None:
    """caddy-security CVE-2024-21498: what a client says of its host comes back nowhere."""
    for path in ("/auth/login", "/auth/me", "/nowhere", "/auth/sessions/"):
        answer = gateway.http.get(path, headers={"X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"})
        assert "evil.test" not in answer.text + str(answer.headers)


def test_a_session_id_is_never_the_clients(gateway: RunningGateway) -> None:
    """oauth2-proxy GHSA-f24x-5g9q-753f: logging in opens a new session, whatever is presented."""
    first: dict[str, Any] = gateway.register("fixation@example.com")
    headers = {**bearer(first), "Cookie": f"session={first['session_id']}"}
    answer = gateway.http.post(
        "/auth/login", json={"email": "fixation@example.com", "password": "password123"}, headers=headers
    )
    assert answer.json()["body"]["session_id"] != first["session_id"]
