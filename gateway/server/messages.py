"""Messages the inbound protocol writes itself, without an application."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from gateway.errors import Refusal
from gateway.middleware.problem import body_of, headers_of
from gateway.reasons import Reason

_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}

Headers = Iterable[tuple[bytes, bytes]]


def refusal(reason: Reason, request_id: str) -> bytes:
    """A whole answer to what never became a request, after which the connection closes."""
    problem = Refusal(reason, retry_after=1 if reason is Reason.OVERLOADED else None)
    body = body_of(problem, request_id)
    lines = [b"HTTP/1.1 %d %s" % (reason.status, HTTPStatus(reason.status).phrase.encode())]
    lines += [b"%s: %s" % header for header in headers_of(problem, request_id, len(body))]
    return b"\r\n".join([*lines, b"connection: close", b"", body])


def new_scope(protocol: Any, method: bytes, version: str) -> dict[str, Any]:
    """The ASGI scope of the request whose head `protocol` has just read.

    `raw_target` is all of the target, as it was sent; ASGI has no place for that.
    """
    target: bytes = protocol.url
    path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": version,
        "server": protocol.server,
        "client": protocol.client,
        "scheme": protocol.scheme,
        "root_path": "",
        "headers": protocol.headers,
        "state": protocol.app_state.copy(),
        "method": method.decode("ascii"),
        "raw_target": target,
        "raw_path": path,
        "query_string": query,
        "path": path.decode("latin-1"),
    }


def head_without_upgrade(method: bytes, target: bytes, version: bytes, headers: Headers) -> bytes:
    """The head of a request as if it had not asked for another protocol (RFC 9110 section 7.8 lets us ignore it)."""
    lines = [b"%s %s HTTP/%s" % (method, target, version)]
    lines += [b"%s: %s" % header for header in headers if header[0] != b"upgrade"]
    return b"\r\n".join([*lines, b"", b""])
