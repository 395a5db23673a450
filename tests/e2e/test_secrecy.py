"""Canaries: what is secret appears in no log, metric, readiness answer or refusal, whatever goes wrong."""

from pathlib import Path

from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import ADMIN, SECRET, bearer, running

PASSWORD = "canary-password-1"
CHANGED = "canary-password-2"


def test_no_secret_leaks(tmp_path: Path, echo: RawUpstream) -> None:
    said = []
    with running(tmp_path, upstream=echo.url, grace="0s") as gateway:
        granted = gateway.granted("register", email="c@example.com", password=PASSWORD, display_name="C")
        second = gateway.refresh(granted["refresh_token"])
        changed = gateway.http.post(
            "/auth/password", headers=bearer(second), json={"current": PASSWORD, "new": CHANGED}
        ).json()["body"]
        tokens = [each[name] for each in (granted, second, changed) for name in ("access_token", "refresh_token")]
        for token in tokens:
            said.append(gateway.http.get("/any/x", headers={"Authorization": f"Bearer {token}x"}))
            said.append(gateway.http.get(f"/any/x?access_token={token}&next=1"))
            said.append(gateway.http.get("/any/x", headers={"Cookie": f"token={token}"}))
            said.append(gateway.http.post("/auth/refresh", json={"refresh_token": token + "x"}))
            said.append(gateway.http.post("/auth/refresh", json={"refresh_token": [token]}))
            said.append(gateway.http.post("/auth/login", json={"email": token, "password": token}))
        said.append(gateway.http.post("/auth/login", json={"email": "c@example.com", "password": PASSWORD + "x"}))
        said.append(gateway.http.post("/auth/login", json={"email": "c@example.com", "password": 1, "x": PASSWORD}))
        said.append(gateway.http.post("/auth/refresh", json={"refresh_token": granted["refresh_token"]}))
        said.append(gateway.http.get("/any/x", headers={"X-Api-Key": "canary-header"}))
        management = gateway.probe("/metrics").text + gateway.probe("/readyz").text
    # Every answer but those of the echo upstream, which tells what it was sent.
    answers = "".join(f"{answer.headers}{answer.text}" for answer in said if answer.status_code != 200)
    everything = answers + management + gateway.output.read_text() + gateway.talk.read_text()
    assert "c@example.com" not in gateway.output.read_text()
    for secret in [SECRET, PASSWORD, CHANGED, ADMIN[1], "canary-header", *tokens]:
        assert secret not in everything
    for token in tokens:
        assert token.rpartition(".")[2] not in everything
