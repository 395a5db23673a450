"""What operators read: one line for each request with whose it was, and one event for each thing that happened."""

from typing import Any

import httpx2

from tests.support.eventually import eventually
from tests.support.running_gateway import RunningGateway, bearer


def lines_of(gateway: RunningGateway, answer: httpx2.Response) -> tuple[dict[str, Any], list[str]]:
    """The request line of an answer, and the events of that request."""
    request_id = answer.headers["x-request-id"]

    def found() -> list[dict[str, Any]]:
        return [line for line in gateway.log_lines() if line.get("request_id") == request_id]

    eventually(lambda: any("method" in line for line in found()))
    (request,) = [line for line in found() if "method" in line]
    return request, [line["event"] for line in found() if "event" in line]


def test_requests_to_auth_tell_how_much_came_in_and_whose_they_are(gateway: RunningGateway) -> None:
    fields = {"email": "logged@example.com", "password": "password123", "display_name": "Logged"}
    registered = gateway.http.post("/auth/register", json=fields)
    user_id = registered.json()["body"]["user_id"]
    granted = gateway.login("logged@example.com", "password123")
    login = gateway.http.post("/auth/login", json={"email": "logged@example.com", "password": "password123"})
    wrong = gateway.http.post("/auth/login", json={"email": "logged@example.com", "password": "password124"})
    renewed = gateway.http.post("/auth/refresh", json={"refresh_token": granted["refresh_token"]})
    for answer, subject, events in (
        (registered, user_id, ["registered"]),
        (login, user_id, ["login"]),
        (wrong, None, ["login-failed"]),
        (renewed, user_id, []),
    ):
        line, happened = lines_of(gateway, answer)
        assert (line["subject"], happened) == (subject, events)
        assert line["bytes_in"] == len(answer.request.content)


def test_what_had_ended_before_is_no_event(gateway: RunningGateway) -> None:
    granted = gateway.register("twice@example.com")
    happened = []
    for _ in range(2):
        answer = gateway.http.post(
            "/auth/logout", headers=bearer(granted), json={"refresh_token": granted["refresh_token"]}
        )
        assert answer.status_code == 200
        happened += lines_of(gateway, answer)[1]
    assert happened == ["logout"]
