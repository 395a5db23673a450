"""Who the client is: only listed proxies are believed, and only about hops they can know."""

from collections.abc import Iterator

import pytest

from tests.support.echo_upstream import Echo
from tests.support.eventually import eventually
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway, running

FORWARDED = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.test"}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream) -> Iterator[RunningGateway]:
    """Believes its own machine."""
    with running(tmp_path_factory.mktemp("behind"), upstream=echo.url, trusted="[127.0.0.0/8]") as started:
        yield started


def client_in_log(gateway: RunningGateway, request_id: str) -> str:
    eventually(lambda: request_id in gateway.output.read_text())
    (line,) = [line for line in gateway.log_lines() if line.get("request_id") == request_id and "client" in line]
    return str(line["client"])


def test_an_unlisted_peer_is_not_believed(gateway: RunningGateway) -> None:
    headers = {**FORWARDED, "X-Real-IP": "6.6.6.6", "X-Request-Id": "chosen-by-client"}
    answer = gateway.http.get("/public/x", headers=headers)
    seen = Echo.of(answer.content)
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]
    assert seen.all("x-forwarded-proto") == ["http"]
    assert seen.all("x-forwarded-host") == [f"127.0.0.1:{gateway.port}"]
    assert "6.6.6.6" not in str(seen.headers)
    assert answer.headers["x-request-id"] != "chosen-by-client"
    assert client_in_log(gateway, answer.headers["x-request-id"]) == "127.0.0.1"


def test_a_listed_peer_is_believed_up_to_the_first_unlisted_hop(behind: RunningGateway) -> None:
    answer = behind.http.get("/public/x", headers={**FORWARDED, "X-Request-Id": "chosen-by-proxy"})
    seen = Echo.of(answer.content)
    assert seen.all("x-forwarded-for") == ["6.6.6.6, 203.0.113.9, 127.0.0.1"]
    assert seen.all("x-forwarded-proto") == ["https"]
    assert seen.all("x-forwarded-host") == ["shop.test"]
    assert answer.headers["x-request-id"] == "chosen-by-proxy"
    assert client_in_log(behind, "chosen-by-proxy") == "203.0.113.9"


@pytest.mark.parametrize("hops", ["a", "", ",", "unknown", "203.0.113.9, a", "[::1", "1.2.3.4.5"])
def test_rubbish_from_a_listed_peer_changes_nothing(behind: RunningGateway, hops: str) -> None:
    """authentik CVE-2024-47070: an address that cannot be read must not switch the policy off."""
    answer = behind.http.get("/any/x", headers={"X-Forwarded-For": hops})
    assert answer.status_code == 401
    assert client_in_log(behind, answer.headers["x-request-id"]) == "127.0.0.1"
    login = {"email": "admin@example.com", "password": "wrong-password"}
    assert behind.http.post("/auth/login", json=login, headers={"X-Forwarded-For": hops}).status_code == 401


def test_sessions_keep_the_address_of_the_client(behind: RunningGateway) -> None:
    body = {"email": "proxied@example.com", "password": "password123", "display_name": "P"}
    granted = behind.http.post("/auth/register", json=body, headers=FORWARDED).json()["body"]
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    (session,) = behind.http.get("/auth/sessions", headers=bearer).json()["body"]["sessions"]
    assert session["address"] == "203.0.113.9"
