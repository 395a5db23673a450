"""Forward behind a real server on a loopback port, in a thread of its own, with the layers it relies on."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import uvicorn
import uvloop

from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.clock import SystemClock
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.middleware.context import ContextMiddleware
from gateway.middleware.forwarded import TrustedProxies
from gateway.middleware.read import ReadMiddleware
from gateway.middleware.refusal import RefusalMiddleware
from gateway.observe.counters import Counters
from gateway.policy.access import Access, AccessAuthenticated
from gateway.policy.patterns import PathPattern
from gateway.policy.route import Forwarding, Route
from gateway.policy.table import Match
from gateway.principal import Principal
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.forward import Forward
from gateway.proxy.headers import HeaderRules
from gateway.proxy.live import Live
from gateway.proxy.upstream import Upstream
from gateway.proxy.websocket import WebSockets
from gateway.reasons import Reason
from gateway.server.limits import InboundLimits, ServerConfig
from gateway.server.protocol import GatewayProtocol
from gateway.sessions.connect import make_store
from gateway.sessions.revocation import RevocationView
from gateway.sessions.store import SessionStore
from tests.proxy.targeting import targets_at

T = TypeVar("T")

ROUTE = Route(
    name="all",
    path=PathPattern.parse("/**"),
    host=None,
    methods=None,
    access=AccessAuthenticated(),
    upstream="svc",
    line=1,
    forwarding=Forwarding(),
)
BESIDE = replace(ROUTE, name="beside", path=PathPattern.parse("/beside/**"), upstream="beside")
ANN = Principal(
    subject="7b0c",
    issuer="gateway",
    roles=("user",),
    expires_at=2_000_000_000,
    session_id="s-1",
    email="ann@example.com",
    display_name="Änn B",
)


def route_for(access: Access = ROUTE.access, *, websocket: bool = False, **forwarding: Any) -> Route:
    """The catch-all route with other access or forwarding."""
    return replace(ROUTE, access=access, websocket=websocket, forwarding=Forwarding(**forwarding))


def unopened_store() -> SessionStore:
    """For parts that ask no store as long as they are not opened."""
    return make_store(
        "sqlite:///unused.db",
        access_ttl=60,
        idle_ttl=60,
        refresh_grace=1,
        max_per_user=1,
        clock=SystemClock(),
    )


class Finished:
    """Keeps the context of every finished request."""

    def __init__(self) -> None:
        self.contexts: list[GatewayContext] = []

    def started(self) -> None:
        """Nothing is counted."""

    def finished(self, context: GatewayContext, seconds: float) -> None:
        self.contexts.append(context)


class Admit:
    """In place of routing and authorisation: everybody is `principal` and every path has `route`."""

    def __init__(self, app: ASGIApp, setting: "Setting") -> None:
        self.app = app
        self.setting = setting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context: GatewayContext = scope[SCOPE_KEY]
        beside = context.target is not None and context.target.path.startswith(b"/beside")
        context.match = Match(BESIDE if beside else self.setting.route, {})
        context.principal = self.setting.principal
        await self.app(scope, receive, send)


class Outermost:
    """What the server calls; `turned_away` are the reasons of requests that it refused by itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.reasons: list[Reason] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def turned_away(self, reason: Reason, request_id: str, peer: str) -> None:
        self.reasons.append(reason)


@dataclass
class Setting:
    """What a test may vary. With `beside`, the URL of another upstream, `/beside/**` goes there."""

    route: Route = ROUTE
    principal: Principal | None = ANN
    body_limit: int | None = None
    beside: str = ""
    message_limit: int = 2**24
    base: str = ""
    preserve_host: bool = False
    response_timeout: float = 5.0
    idle_timeout: float = 5.0
    body_deadline: float = 30.0
    trusted: tuple[Any, ...] = ()
    strip: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ("gateway_access",)
    transport: dict[str, Any] = field(default_factory=dict)
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop


class ForwardServer:
    """Listens on `port`. `transport` and `finished` may be looked at; `call` runs something on its loop."""

    def __init__(self, urls: Sequence[str], setting: Setting) -> None:
        endpoints = [Endpoint.parse(url + setting.base) for url in urls]
        self.setting = setting
        self.finished = Finished()
        self.counters = Counters()
        self.revocations = RevocationView(clock=SystemClock(), max_staleness=30)
        self.live = Live(revocations=self.revocations, store=unopened_store(), clock=SystemClock())
        self.transport = targets_at(endpoints, **setting.transport)
        self.upstream = Upstream(
            "svc",
            endpoints[0],
            self.transport,
            response_timeout=setting.response_timeout,
            idle_timeout=setting.idle_timeout,
            preserve_host=setting.preserve_host,
        )
        self.upstreams = {"svc": self.upstream}
        if setting.beside:
            endpoint = Endpoint.parse(setting.beside)
            self.upstreams["beside"] = Upstream("beside", endpoint, targets_at([endpoint]))
        self.connections: set[Any] = set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port: int = self._socket.getsockname()[1]
        self.loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stopped = asyncio.Event()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run on the server's loop and wait."""
        if self.loop is None:
            raise RuntimeError("not started")
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def run(self) -> None:
        with asyncio.Runner(loop_factory=self.setting.loop_factory) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        for upstream in self.upstreams.values():
            await upstream.open()
        limits = InboundLimits(8192, 32768, 100, 10.0, self.setting.body_deadline, 75.0)
        config = ServerConfig(
            self._app(),
            limits=limits,
            http=GatewayProtocol,
            lifespan="off",
            log_config=None,
            server_header=False,
            proxy_headers=False,
        )
        config.load()
        # uvicorn's own main loop and shutdown sleep a tenth of a second each; tests have no time for that.
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        self.connections = server.server_state.connections
        await server.startup(sockets=[self._socket])
        self._ready.set()
        await self._stopped.wait()
        for listener in server.servers:
            listener.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.gather(*server.server_state.tasks, return_exceptions=True)
        for upstream in self.upstreams.values():
            await upstream.close()

    def _app(self) -> ASGIApp:
        setting = self.setting
        rules = HeaderRules(strip=setting.strip, cookies=setting.cookies)
        app: ASGIApp = Forward(
            self.upstreams,
            rules,
            clock=SystemClock(),
            body_limit=setting.body_limit,
            live=self.live,
            websockets=WebSockets(
                rules, self.live, self.counters, clock=SystemClock(), message_limit=setting.message_limit
            ),
        )
        app = Admit(app, setting)
        app = ReadMiddleware(
            app,
            trusted=TrustedProxies(setting.trusted),
            target_limit=8192,
            header_limit=32768,
            header_count=100,
        )
        app = RefusalMiddleware(app)
        return Outermost(ContextMiddleware(app, clock=SystemClock(), recorder=self.finished))

    def wait_ready(self) -> None:
        self._ready.wait(5)

    def stop(self) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._stopped.set)


@contextmanager
def forwarding_to(*urls: str, **setting: Any) -> Iterator[ForwardServer]:
    """A running gateway core in front of one upstream with these targets."""
    server = ForwardServer(urls, Setting(**setting))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    server.wait_ready()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
