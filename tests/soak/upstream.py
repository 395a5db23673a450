"""The services behind a soaked gateway: JSON, uploads, slow answers, event streams, WebSockets."""

import asyncio
from typing import Any

import uvicorn

JSON = b'{"items": [' + b'{"name": "tea", "price": 3},' * 40 + b"{}]}"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """One ASGI application; the last segment of the path chooses."""
    if scope["type"] == "websocket":
        await _echo(receive, send)
    elif scope["type"] == "http":
        await _ANSWERS.get(scope["path"].rpartition("/")[2], _json)(receive, send)


async def _json(receive: Any, send: Any) -> None:
    await _answer(send, JSON, b"application/json")


async def _upload(receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await _answer(send, b"%d" % size, b"text/plain")


async def _slow(receive: Any, send: Any) -> None:
    await asyncio.sleep(0.5)
    await _answer(send, b"late", b"text/plain")


async def _events(receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(100):
        await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": b""})


async def _answer(send: Any, body: bytes, media: bytes) -> None:
    headers = [(b"content-type", media), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _echo(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


_ANSWERS = {"upload": _upload, "slow": _slow, "events": _events}


def serve(port: int) -> None:
    """Run until the process ends."""
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", timeout_keep_alive=60)
