"""Single requests to loopback servers."""

import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any

from benchmarks.errors import Unfit
from benchmarks.processes import Process


def status_of(port: int, path: str, token: str | None = None) -> int:
    """The status of a GET, with a Bearer token if there is one."""
    return _exchange(port, "GET", path, token, None)[0]


def text_of(port: int, path: str) -> str:
    """The body of a GET."""
    return _exchange(port, "GET", path, None, None)[1].decode()


def granted(port: int, endpoint: str, fields: dict[str, str]) -> dict[str, Any]:
    """The body of a successful POST to one of the gateway's endpoints. Unfit when it is refused."""
    status, body = _exchange(port, "POST", f"/auth/{endpoint}", None, json.dumps(fields).encode())
    if status != 200:
        raise Unfit(f"/auth/{endpoint}: {status} {body[:300]!r}")
    answer: dict[str, Any] = json.loads(body)["body"]
    return answer


def wait_for(process: Process, port: int, seconds: float = 30, *, ready: Callable[[], bool] | None = None) -> None:
    """Wait until the port accepts and `ready` says so. Unfit when the process ends or time runs out."""
    deadline = time.monotonic() + seconds
    while process.alive() and time.monotonic() < deadline:
        if _accepts(port) and (ready is None or ready()):
            return
        time.sleep(0.05)
    raise Unfit(f"{process.name} did not start:\n{process.tail()}")


def answers_200(port: int, path: str) -> bool:
    """Whether a GET is answered with 200; no answer is no."""
    try:
        return status_of(port, path) == 200
    except OSError:
        return False


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _exchange(port: int, method: str, path: str, token: str | None, body: bytes | None) -> tuple[int, bytes]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
