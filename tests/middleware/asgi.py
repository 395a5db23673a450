"""Layers without a server: a context, a route, and what an application further in would answer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.asgi import ASGIApp, Message, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.policy.access import AccessPublic
from gateway.policy.patterns import PathPattern
from gateway.policy.route import Route
from gateway.policy.table import Match
from gateway.policy.target import read_target

Headers = list[tuple[bytes, bytes]]

ROUTE = Route(
    name="orders",
    path=PathPattern.parse("/orders/**"),
    host=None,
    methods=None,
    access=AccessPublic(),
    upstream="svc",
    line=1,
)


def route_with(**changes: Any) -> Route:
    """The route above with other settings."""
    return replace(ROUTE, **changes)


def context_of(
    route: Route | None = ROUTE,
    *,
    method: str = "GET",
    target: bytes = b"/orders/7",
    headers: Sequence[tuple[bytes, bytes]] = (),
    peer: str = "203.0.113.7",
) -> GatewayContext:
    """A request that has been read and routed."""
    context = GatewayContext(
        request_id="r-1", started=0, method=method, scheme="http", peer=peer, headers=list(headers)
    )
    context.target = read_target(target, 8192)
    context.host = "gw.test"
    context.match = None if route is None else Match(route, {})
    context.route_name = "-" if route is None else route.name
    return context


class Answer:
    """An application that answers 200 with these headers, and notes that it was asked."""

    def __init__(self, *headers: tuple[bytes, bytes]) -> None:
        self.headers = list(headers)
        self.asked = 0
        self.send: Send | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        self.send = send
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"ok"})


class Client:
    """Sends requests into a layer and keeps what comes out of the last one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.messages: list[Message] = []

    async def ask(self, context: GatewayContext, kind: str = "http") -> int:
        """The status of the answer."""
        self.messages = []
        await self.app({"type": kind, SCOPE_KEY: context}, _nothing, self.send)
        status: int = self.messages[0]["status"]
        return status

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    def all(self, name: bytes) -> list[bytes]:
        """The values of a header of the answer."""
        return [value for key, value in self.messages[0]["headers"] if key.lower() == name]


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
