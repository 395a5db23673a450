"""Messages the inbound protocol writes itself, without an application."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from gateway.errors import Refusal
from gateway.middleware.problem import body_of, headers_of
from gateway.reasons import Reason

Headers = Iterable[tuple[bytes, bytes]]


def refusal(reason: Reason, request_id: str) -> bytes:
    """A whole answer to what never became a request, after which the connection closes."""
    problem = Refusal(reason, retry_after=1 if reason is Reason.OVERLOADED else None)
    body = body_of(problem, request_id)
    lines = [b"HTTP/1.1 %d %s" % (reason.status, HTTPStatus(reason.status).phrase.encode())]
    lines += [b"%s: %s" % header for header in headers_of(problem, request_id, len(body))]
    return b"\r\n".join([*lines, b"connection: close", b"", body])


def fill_scope(scope: dict[str, Any], method: bytes, version: str, target: bytes) -> None:
    """What ASGI says of a request line; `raw_target` is all of the target, which ASGI has no place for."""
    path, _, query = target.partition(b"?")
    scope["method"] = method.decode("ascii")
    scope["http_version"] = version
    scope["raw_target"] = target
    scope["raw_path"], scope["query_string"] = path, query
    scope["path"] = path.decode("latin-1")


def head_without_upgrade(method: bytes, target: bytes, version: bytes, headers: Headers) -> bytes:
    """The head of a request as if it had not asked for another protocol (RFC 9110 section 7.8 lets us ignore it)."""
    lines = [b"%s %s HTTP/%s" % (method, target, version)]
    lines += [b"%s: %s" % header for header in headers if header[0] != b"upgrade"]
    return b"\r\n".join([*lines, b"", b""])
