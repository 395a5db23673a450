"""The whole life of an account and its sessions over HTTP, the same on every combination of stores."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from gateway.reasons import Reason
from tests.support.eventually import eventually
from tests.support.problems import assert_problem
from tests.support.running_gateway import RunningGateway, bearer

GRACE_OVER = 1.2


def me(gateway: RunningGateway, granted: dict[str, Any]) -> int:
    return gateway.http.get("/auth/me", headers=bearer(granted)).status_code


def post(gateway: RunningGateway, endpoint: str, granted: dict[str, Any], **fields: str) -> httpx2.Response:
    return gateway.http.post(f"/auth/{endpoint}", headers=bearer(granted), json=fields)


def refused_refresh(gateway: RunningGateway, token: str) -> None:
    answer = gateway.http.post("/auth/refresh", json={"refresh_token": token})
    assert_problem(answer, Reason.SESSION_ENDED)


def test_refresh_rotates_and_a_replay_gets_the_same_answer(any_store: RunningGateway) -> None:
    granted = any_store.register("replay@example.com")
    first = any_store.refresh(granted["refresh_token"])
    assert first["refresh_token"] != granted["refresh_token"]
    assert any_store.refresh(granted["refresh_token"])["refresh_token"] == first["refresh_token"]
    assert me(any_store, granted) == me(any_store, first) == 200
    second = any_store.refresh(first["refresh_token"])
    assert second["refresh_token"] not in (granted["refresh_token"], first["refresh_token"])
    assert second["session_id"] == granted["session_id"]
    assert second["refresh_expires_in"] <= granted["refresh_expires_in"]


def test_reuse_after_the_grace_ends_the_whole_session(any_store: RunningGateway) -> None:
    granted = any_store.register("reuse@example.com")
    successor = any_store.refresh(granted["refresh_token"])
    time.sleep(GRACE_OVER)
    refused_refresh(any_store, granted["refresh_token"])
    refused_refresh(any_store, successor["refresh_token"])
    eventually(lambda: me(any_store, successor) == 401, 1)
    answer = any_store.http.get("/any/x", headers=bearer(granted))
    assert_problem(answer, Reason.TOKEN_REVOKED, "Token has been revoked")
    assert any(line.get("event") == "refresh-reused" for line in any_store.log_lines())


def test_logout_ends_refresh_and_access(any_store: RunningGateway) -> None:
    granted = any_store.register("logout@example.com")
    other = any_store.login("logout@example.com", "password123")
    assert post(any_store, "logout", granted).json()["body"] == {"logged_out": True}
    eventually(lambda: me(any_store, granted) == 401, 1)
    refused_refresh(any_store, granted["refresh_token"])
    assert me(any_store, other) == 200


@pytest.mark.parametrize("how", ["refresh token", "access token"])
def test_logout_can_be_said_again(any_store: RunningGateway, how: str) -> None:
    granted = any_store.register(f"again-{how.split()[0]}@example.com")
    for _ in range(2):
        if how == "refresh token":
            answer = any_store.http.post("/auth/logout", json={"refresh_token": granted["refresh_token"]})
        else:
            answer = any_store.http.post("/auth/logout", headers=bearer(granted))
        assert answer.status_code == 200, answer.text
        eventually(lambda: me(any_store, granted) == 401, 1)


def test_logout_everywhere(any_store: RunningGateway) -> None:
    granted = any_store.register("everywhere@example.com")
    other = any_store.login("everywhere@example.com", "password123")
    answer = post(any_store, "logout-all", granted)
    assert answer.json()["body"] == {"logged_out": True, "sessions_ended": 2}
    eventually(lambda: me(any_store, granted) == me(any_store, other) == 401, 1)
    refused_refresh(any_store, other["refresh_token"])
    assert me(any_store, any_store.login("everywhere@example.com", "password123")) == 200


def test_sessions_are_listed_and_ended_by_their_owner_only(any_store: RunningGateway) -> None:
    granted = any_store.register("owner@example.com")
    other = any_store.login("owner@example.com", "password123")
    stranger = any_store.register("stranger@example.com")
    listed = any_store.http.get("/auth/sessions", headers=bearer(other)).json()["body"]["sessions"]
    assert {session["id"]: session["current"] for session in listed} == {
        granted["session_id"]: False,
        other["session_id"]: True,
    }
    path = f"/auth/sessions/{granted['session_id']}"
    assert_problem(any_store.http.delete(path, headers=bearer(stranger)), Reason.NO_ROUTE, "You have no such session")
    assert me(any_store, granted) == 200
    assert any_store.http.delete(path, headers=bearer(other)).status_code == 200
    assert any_store.http.delete(path, headers=bearer(other)).status_code == 404
    eventually(lambda: me(any_store, granted) == 401, 1)
    assert me(any_store, other) == 200


def test_password_change_leaves_one_session(any_store: RunningGateway) -> None:
    granted = any_store.register("password@example.com")
    other = any_store.login("password@example.com", "password123")
    wrong = post(any_store, "password", granted, current="not-it-at-all", new="another-password")
    assert_problem(wrong, Reason.CREDENTIALS_INVALID)
    same = post(any_store, "password", granted, current="password123", new="password123")
    assert (same.status_code, same.json()["errors"][0]["field"]) == (422, "new")
    weak = post(any_store, "password", granted, current="password123", new="short")
    assert_problem(weak, Reason.FIELD_INVALID)
    assert me(any_store, other) == 200
    changed = post(any_store, "password", granted, current="password123", new="another-password").json()["body"]
    eventually(lambda: me(any_store, granted) == me(any_store, other) == 401, 1)
    refused_refresh(any_store, other["refresh_token"])
    assert me(any_store, changed) == 200
    assert any_store.refresh(changed["refresh_token"])["session_id"] == changed["session_id"]
    old = any_store.http.post("/auth/login", json={"email": "password@example.com", "password": "password123"})
    assert_problem(old, Reason.CREDENTIALS_INVALID)
    assert me(any_store, any_store.login("password@example.com", "another-password")) == 200


def test_the_least_recently_used_session_goes(any_store: RunningGateway) -> None:
    granted = [any_store.register("many@example.com")]
    granted += [any_store.login("many@example.com", "password123") for _ in range(3)]
    eventually(lambda: me(any_store, granted[0]) == 401, 1)
    refused_refresh(any_store, granted[0]["refresh_token"])
    assert [me(any_store, each) for each in granted[1:]] == [200, 200, 200]


async def test_two_hundred_refreshes_at_once_give_one_successor(any_store: RunningGateway) -> None:
    granted = any_store.register("storm@example.com")
    limits = httpx2.Limits(max_connections=200)
    async with httpx2.AsyncClient(base_url=any_store.url, limits=limits, timeout=30, trust_env=False) as client:
        asked = [client.post("/auth/refresh", json={"refresh_token": granted["refresh_token"]}) for _ in range(200)]
        answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [200] * 200
    successors = {answer.json()["body"]["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert any_store.refresh(successors.pop())["session_id"] == granted["session_id"]
