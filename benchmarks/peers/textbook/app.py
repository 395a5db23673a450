"""A reverse proxy as tutorials write it: one shared client, PyJWT on every request, a streamed answer.

CLIENT names the HTTP library: httpx or httpx2, which have the same interface.
"""

import importlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

SECRET = os.environ["SECRET"]
UPSTREAM = f"http://127.0.0.1:{os.environ['UPSTREAM']}"
# Any: the library is chosen at start, and only one of the two is typed here.
httpx: Any = importlib.import_module(os.environ["CLIENT"])


def role_of(request: Request) -> str | None:
    """The role in the caller's token; None without a good one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        return None
    return str(claims.get("role"))


async def forward(request: Request) -> Response:
    """401, 403, or what the upstream says."""
    role = role_of(request)
    if role is None:
        return PlainTextResponse("unauthorized", 401)
    if role != "admin":
        return PlainTextResponse("forbidden", 403)
    client = request.app.state.client
    headers = [(name, value) for name, value in request.headers.raw if name not in (b"host", b"authorization")]
    target = request.scope["path"]
    outgoing = client.build_request(request.method, target, headers=headers, content=request.stream())
    answer = await client.send(outgoing, stream=True)
    return StreamingResponse(
        answer.aiter_raw(),
        status_code=answer.status_code,
        headers=answer.headers,
        background=BackgroundTask(answer.aclose),
    )


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """One client for all requests."""
    async with httpx.AsyncClient(base_url=UPSTREAM, limits=httpx.Limits(max_connections=256)) as client:
        app.state.client = client
        yield


app = Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "POST"])], lifespan=lifespan)
