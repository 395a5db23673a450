"""The management listener: `/healthz`, `/readyz`, `/metrics`, for all workers together."""

import json
from typing import Any, Final

from gateway.admin.report import Fleet, waiting_for
from gateway.asgi import Receive, Scope, Send
from gateway.observe.exposition import CONTENT_TYPE, render

_JSON: Final = "application/json"


class ManagementApp:
    """A plain ASGI application: three paths, GET and HEAD."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, b'{"error": "method-not-allowed"}\n', _JSON, (b"allow", b"GET, HEAD"))
        elif scope["path"] == "/healthz":
            await _answer(send, 200, b'{"status": "ok"}\n', _JSON)
        elif scope["path"] == "/readyz":
            await self._ready(send)
        elif scope["path"] == "/metrics":
            reports = await self.fleet.reports()
            await _answer(send, 200, render([each.metrics for each in reports], self.fleet.past()), CONTENT_TYPE)
        else:
            await _answer(send, 404, b'{"error": "not-found"}\n', _JSON)

    async def _ready(self, send: Send) -> None:
        waits = waiting_for(self.fleet, await self.fleet.reports())
        state: dict[str, Any] = {"status": "waiting" if waits else "ready", "waiting_for": waits}
        await _answer(send, 503 if waits else 200, json.dumps(state).encode() + b"\n", _JSON)


async def _answer(send: Send, status: int, body: bytes, media: str, *more: tuple[bytes, bytes]) -> None:
    headers = [
        (b"content-type", media.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
