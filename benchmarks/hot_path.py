"""The gateway's real parts in this process, with memory in the place of sockets, for timing them one by one."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from uvicorn.server import ServerState

from benchmarks.credentials import PATH
from benchmarks.gateway_server import ENVIRON, settings, write
from gateway.app import Gateway
from gateway.asgi import ASGIApp
from gateway.auth.authenticator import TokenAuthenticator
from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.context import GatewayContext
from gateway.parts import Parts, make_parts
from gateway.principal import Authentication
from gateway.proxy.transport import UpstreamRequest
from gateway.secret import Secret
from gateway.server.options import public_config
from gateway.server.protocol import GatewayProtocol
from gateway.tokens.access import AccessSubject, AccessTokens
from gateway.tokens.keys import KeyRing

BODY = b'{"order":7,"customer":"Test User","lines":[{"item":"book","count":1,"price":"12.50"}],"total":"12.50","ok":1}'
ANSWER_HEADERS = [
    (b"Server", b"nginx/1.22.1"),
    (b"Date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
    (b"Content-Type", b"application/json"),
    (b"Content-Length", str(len(BODY)).encode()),
    (b"Connection", b"keep-alive"),
]


class StubAnswer:
    """An upstream's answer that is here already."""

    status = 200

    def __init__(self) -> None:
        self.headers = list(ANSWER_HEADERS)

    def whole_body(self) -> bytes | None:
        return BODY

    async def chunks(self) -> AsyncIterator[bytes]:
        yield BODY

    async def close(self) -> None:
        return


class StubTransport:
    """Answers at once; `seen` is the last request."""

    def __init__(self) -> None:
        self.seen: UpstreamRequest | None = None

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def send(self, request: UpstreamRequest) -> StubAnswer:
        self.seen = request
        return StubAnswer()


class Noting(TokenAuthenticator):
    """Keeps the context of the last request, which later layers go on filling."""

    context: GatewayContext | None = None

    def authenticate(self, context: GatewayContext) -> Authentication:
        self.context = context
        return super().authenticate(context)


class Sink(asyncio.Transport):
    """A client's connection in memory; `answer` is done with the last piece of an answer."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 8080)})
        self.answer: asyncio.Future[bytes] | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        piece = bytes(data)
        if self.answer is not None and not self.answer.done() and piece.endswith(BODY):
            self.answer.set_result(piece)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        return

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return


class HotPath:
    """`gateway` answers through the stub; `transport` is the real way to the upstream at `port`."""

    def __init__(self, directory: Path, port: int) -> None:
        config = directory / "config.yaml"
        write(config, settings(1024, 1025, port, directory), {}, {})
        clock = SystemClock()
        self.settings = load_config(config, {**os.environ, **ENVIRON}).settings
        self.parts = _with_notes(make_parts(self.settings, clock, lambda _lines: None))
        self.transport = self.parts.upstreams["service"].transport
        # Any: what else transports can do, this one is not asked for.
        self.stub = cast(Any, StubTransport())
        for upstream in self.parts.upstreams.values():
            upstream.transport = self.stub
        self.gateway = Gateway(self.settings, self.parts)
        self.access = AccessTokens(
            KeyRing.from_secret(Secret(ENVIRON["JWT_SECRET_KEY"].encode())),
            issuer=self.settings.tokens.issuer,
            audience=None,
            ttl=int(self.settings.tokens.access_ttl),
            clock=clock,
        )
        subject = AccessSubject(
            "5f0c6c9e-6f0d-4d9f-8f6a-0c9b0e4a7d11", "admin@example.com", "Administrator", "admin", "s1"
        )
        token = self.access.issue(subject).token
        head = f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer {token}\r\n\r\n"
        self.request = head.encode()

    def connection(self, app: ASGIApp | None = None) -> tuple[GatewayProtocol, Sink]:
        """A client's connection to `app`, by default the whole gateway."""
        config = public_config(app or self.gateway, self.settings.server)
        config.load()
        protocol, sink = GatewayProtocol(config, ServerState(), {}, asyncio.get_running_loop()), Sink()
        protocol.connection_made(sink)
        return protocol, sink

    async def ask(self, connection: tuple[GatewayProtocol, Sink]) -> bytes:
        """One request on it; the last piece of the answer."""
        protocol, sink = connection
        sink.answer = asyncio.get_running_loop().create_future()
        protocol.data_received(self.request)
        return await sink.answer

    async def sample(self) -> tuple[GatewayContext, UpstreamRequest]:
        """The finished context of a request through the whole gateway, and what the upstream was sent."""
        self.parts.revocations.heard()
        await self.ask(self.connection())
        authenticator = self.parts.authenticator
        context = authenticator.context if isinstance(authenticator, Noting) else None
        if context is None or self.stub.seen is None:
            raise RuntimeError("the request did not reach the upstream")
        return context, self.stub.seen


def _with_notes(parts: Parts) -> Parts:
    real = parts.authenticator
    noting = Noting(
        verifier=real.verifier,
        revocations=real.revocations,
        store=real.store,
        deny_when_stale=real.deny_when_stale,
    )
    return replace(parts, authenticator=noting)


async def answer_at_once(_scope: Any, _receive: Any, send: Any) -> None:
    """The least application there is: what it costs is the server's."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
