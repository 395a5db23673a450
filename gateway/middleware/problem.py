"""How a refusal looks to the caller: one RFC 9457 body and its headers, for every producer."""

import json
from http import HTTPStatus
from typing import Any

from gateway.asgi import Send
from gateway.errors import Refusal
from gateway.reasons import Reason

_INSUFFICIENT = frozenset(
    {Reason.ROLE_MISSING, Reason.SCOPE_MISSING, Reason.CLAIM_MISMATCH, Reason.NOT_OWNER},
)


def challenge(refusal: Refusal) -> str | None:
    """The `WWW-Authenticate` value of RFC 6750 section 3, on 401 and 403; None elsewhere."""
    reason = refusal.reason
    if reason in (Reason.TOKEN_MISSING, Reason.CREDENTIALS_INVALID):
        return 'Bearer realm="gateway"'
    if reason.status == 401:
        return f'Bearer realm="gateway", error="invalid_token", error_description="{refusal.detail}"'
    if reason in _INSUFFICIENT:
        return f'Bearer realm="gateway", error="insufficient_scope", error_description="{refusal.detail}"'
    if reason.status == 403:
        return 'Bearer realm="gateway"'
    return None


def body_of(refusal: Refusal, request_id: str) -> bytes:
    """The problem body: `type, title, status, detail, reason, request_id`, then what the refusal carries."""
    reason = refusal.reason
    problem: dict[str, Any] = {
        "type": f"urn:gateway:reason:{reason.word}",
        "title": HTTPStatus(reason.status).phrase,
        "status": reason.status,
        "detail": refusal.detail,
        "reason": reason.word,
        "request_id": request_id,
    }
    if refusal.errors:
        problem["errors"] = [{"field": error.field, "message": error.message} for error in refusal.errors]
    if refusal.retry_after is not None:
        problem["retry_after"] = refusal.retry_after
    return json.dumps(problem, ensure_ascii=False).encode()


def headers_of(refusal: Refusal, request_id: str, length: int) -> list[tuple[bytes, bytes]]:
    """The headers of a refusal. RFC 9111: an answer about credentials is nobody else's to keep."""
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(length).encode()),
        (b"cache-control", b"no-store"),
        (b"gateway-reason", refusal.reason.word.encode()),
        (b"x-request-id", request_id.encode()),
    ]
    authenticate = challenge(refusal)
    if authenticate is not None:
        headers.append((b"www-authenticate", authenticate.encode()))
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    headers.extend((name.lower().encode(), value.encode()) for name, value in refusal.headers.items())
    return headers


async def send_problem(send: Send, refusal: Refusal, request_id: str) -> int:
    """Answer with the problem; returns the length of its body."""
    body = body_of(refusal, request_id)
    headers = headers_of(refusal, request_id, len(body))
    await send({"type": "http.response.start", "status": refusal.reason.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return len(body)


async def send_fault(send: Send, request_id: str) -> int:
    """The 500 of a defect of our own: no reason word, nothing of the exception."""
    problem = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "The gateway failed to handle this request",
        "request_id": request_id,
    }
    body = json.dumps(problem).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return len(body)
