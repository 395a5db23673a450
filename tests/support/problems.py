"""What every refusal by the gateway looks like."""

from typing import Any

import httpx2

from gateway.reasons import Reason

FIELDS = {"type", "title", "status", "detail", "reason", "request_id"}


def assert_problem(answer: httpx2.Response, reason: Reason, detail: str | None = None) -> dict[str, Any]:
    """The whole contract of a refusal: status, headers, body; returns the body."""
    assert answer.status_code == reason.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["gateway-reason"] == reason.word
    assert ("www-authenticate" in answer.headers) == (reason.status in (401, 403))
    problem: dict[str, Any] = answer.json()
    assert problem.keys() - {"errors", "retry_after"} == FIELDS
    assert (problem["status"], problem["reason"]) == (reason.status, reason.word)
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"] == (reason.sentence if detail is None else detail)
    assert problem.get("retry_after") == (
        int(answer.headers["retry-after"]) if "retry-after" in answer.headers else None
    )
    return problem
