"""The border where exceptions become answers: refusals, defects, and what happens after an answer has begun."""

import json
import logging

import pytest

from gateway.asgi import ASGIApp, Message, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import FieldError, Refusal
from gateway.middleware.refusal import RefusalMiddleware
from gateway.reasons import Reason


def context() -> GatewayContext:
    return GatewayContext(request_id="f" * 32, started=0, method="GET", scheme="http", peer="::1", headers=[])


async def receive() -> Message:
    return {"type": "http.disconnect"}


async def run(app: ASGIApp, **scope: object) -> tuple[list[Message], GatewayContext]:
    sent: list[Message] = []
    made = context()

    async def send(message: Message) -> None:
        sent.append(message)

    await RefusalMiddleware(app)({"type": "http", SCOPE_KEY: made, **scope}, receive, send)
    return sent, made


def raising(error: Exception) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    return app


@pytest.mark.parametrize("reason", list(Reason), ids=str)
async def test_every_reason_becomes_a_problem(reason: Reason) -> None:
    (start, body), made = await run(raising(Refusal(reason)))
    headers = dict(start["headers"])
    problem = json.loads(body["body"])
    assert start["status"] == problem["status"] == made.status == reason.status
    assert headers[b"gateway-reason"].decode() == problem["reason"] == reason.word
    assert headers[b"x-request-id"].decode() == problem["request_id"] == made.request_id
    assert int(headers[b"content-length"]) == len(body["body"]) == made.bytes_out
    assert (b"www-authenticate" in headers) == (reason.status in (401, 403))
    assert made.reason is reason


async def test_what_a_refusal_carries_is_told() -> None:
    refusal = Refusal(
        Reason.FIELD_INVALID,
        detail="Très faux",
        errors=[FieldError("email", "is required")],
        retry_after=7,
        headers={"Allow": "GET"},
    )
    (start, body), _ = await run(raising(refusal))
    headers = dict(start["headers"])
    problem = json.loads(body["body"])
    assert problem["errors"] == [{"field": "email", "message": "is required"}]
    assert problem["detail"] == "Très faux"
    assert (headers[b"retry-after"], problem["retry_after"]) == (b"7", 7)
    assert headers[b"allow"] == b"GET"


async def test_a_defect_is_a_bare_500_and_a_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "gateway"):
        (start, body), made = await run(raising(ZeroDivisionError("canary")))
    assert start["status"] == made.status == 500
    assert json.loads(body["body"])["request_id"] == made.request_id
    assert b"canary" not in body["body"]
    assert b"gateway-reason" not in dict(start["headers"])
    assert "canary" in caplog.text


@pytest.mark.parametrize("error", [Refusal(Reason.UPSTREAM_INVALID), ZeroDivisionError()], ids=["refusal", "defect"])
async def test_after_the_answer_has_begun_the_server_is_told(error: Exception) -> None:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        scope[SCOPE_KEY].status = 200
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    with pytest.raises(type(error)):
        await run(app)


async def test_what_the_server_told_the_client_is_recorded() -> None:
    _, made = await run(raising(Refusal(Reason.BODY_INVALID)), aborted=Reason.REQUEST_TIMEOUT)
    assert made.reason is Reason.REQUEST_TIMEOUT
