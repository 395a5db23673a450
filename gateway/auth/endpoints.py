"""`/auth/…` and the public keys: parse, call the service, word the answer."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from gateway.auth.authenticator import TokenAuthenticator
from gateway.auth.bodies import (
    Body,
    Credentials,
    Logout,
    PasswordChange,
    Refresh,
    Registration,
    parse,
    read_body,
)
from gateway.auth.grants import MOST_AGENT, Caller, user_fields
from gateway.auth.registration import SignIn
from gateway.auth.sessions import SessionLife
from gateway.auth.wire import public_keys, success
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal
from gateway.principal import Anonymous, Principal
from gateway.reasons import Reason
from gateway.sessions.store import SessionInfo

Handler = Callable[[Request], Awaitable[Response]]


class AuthEndpoints:
    """The handlers; `router()` is the ASGI application that the pipeline branches to."""

    def __init__(
        self,
        *,
        sign_in: SignIn,
        life: SessionLife,
        authenticator: TokenAuthenticator,
        jwks: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.sign_in = sign_in
        self.life = life
        self.authenticator = authenticator
        self.jwks = jwks

    def router(self) -> Router:
        """Exact paths only: a trailing slash is another path, and HEAD is not implied by GET."""
        routes = [
            _route("/auth/register", self.register, "POST"),
            _route("/auth/login", self.login, "POST"),
            _route("/auth/refresh", self.refresh, "POST"),
            _route("/auth/me", self.me, "GET", "POST"),
            _route("/auth/logout", self.logout, "POST"),
            _route("/auth/logout-all", self.logout_all, "POST"),
            _route("/auth/sessions", self.sessions, "GET"),
            _route("/auth/sessions/{session_id}", self.end_session, "DELETE"),
            _route("/auth/password", self.password, "POST"),
            _route("/.well-known/jwks.json", self.keys, "GET"),
        ]
        return Router(routes, redirect_slashes=False)

    async def register(self, request: Request) -> Response:
        body = await _body(request, Registration)
        return _signed_in(request, await self.sign_in.register(body, _caller(request)))

    async def login(self, request: Request) -> Response:
        body = await _body(request, Credentials)
        return _signed_in(request, await self.sign_in.login(body, _caller(request)))

    async def refresh(self, request: Request) -> Response:
        body = await _body(request, Refresh)
        return _signed_in(request, await self.life.refresh(body.refresh_token, _caller(request)))

    async def me(self, request: Request) -> Response:
        principal = self._principal(request)
        user = await self.life.current_user(principal)
        return _success(request, {**user_fields(user), "session_id": principal.session_id})

    async def logout(self, request: Request) -> Response:
        body = await _optional_body(request)
        context = _context(request)
        authentication = self.authenticator.authenticate(context)
        if isinstance(authentication, Principal):
            context.principal = authentication
        await self.life.logout(body.refresh_token, authentication, _caller(request))
        return _success(request, {"logged_out": True})

    async def logout_all(self, request: Request) -> Response:
        principal = self._principal(request)
        ended = await self.life.logout_all(principal, _caller(request))
        return _success(request, {"logged_out": True, "sessions_ended": ended})

    async def sessions(self, request: Request) -> Response:
        principal = self._principal(request)
        own = await self.life.sessions(principal)
        return _success(request, {"sessions": [_session(info, principal) for info in own]})

    async def end_session(self, request: Request) -> Response:
        principal = self._principal(request)
        session_id = request.path_params["session_id"]
        if not await self.life.end_one(principal, session_id, _caller(request)):
            raise Refusal(Reason.NO_ROUTE, detail="You have no such session")
        return _success(request, {"ended": session_id})

    async def password(self, request: Request) -> Response:
        principal = self._principal(request)
        body = await _body(request, PasswordChange)
        return _success(request, await self.life.change_password(principal, body, _caller(request)))

    async def keys(self, _request: Request) -> Response:
        return public_keys(self.jwks())

    def _principal(self, request: Request) -> Principal:
        context = _context(request)
        authentication = self.authenticator.authenticate(context)
        if isinstance(authentication, Anonymous):
            raise Refusal(authentication.reason)
        context.principal = authentication
        return authentication


def _route(path: str, handler: Handler, *methods: str) -> Route:
    route = Route(path, handler, methods=list(methods))
    route.methods = set(methods)
    return route


def _context(request: Request) -> GatewayContext:
    context: GatewayContext = request.scope[SCOPE_KEY]
    return context


async def _body(request: Request, model: type[Body]) -> Body:
    return parse(model, await _raw(request), _context(request).headers)


async def _optional_body(request: Request) -> Logout:
    """Logout needs no body when a Bearer token is sent."""
    raw = await _raw(request)
    return parse(Logout, raw, _context(request).headers) if raw else Logout()


async def _raw(request: Request) -> bytes:
    context = _context(request)
    raw = await read_body(request.receive, context.headers)
    context.bytes_in = len(raw)
    return raw


def _caller(request: Request) -> Caller:
    context = _context(request)
    agent = next((value for name, value in context.headers if name == b"user-agent"), b"")
    # ASCII, as field values should be (RFC 9110 5.5), so that the stores count bytes and characters alike.
    shown = agent[:MOST_AGENT].decode("ascii", "replace").replace("\ufffd", "?")
    return Caller(shown, context.client_address, context.request_id)


def _signed_in(request: Request, granted: Mapping[str, Any]) -> Response:
    """The pair, and in the log whose it is."""
    context = _context(request)
    context.principal = Principal(
        subject=granted["user_id"],
        issuer="",
        roles=(granted["role"],),
        expires_at=granted["server_time"] + granted["expires_in"],
        session_id=granted["session_id"],
    )
    return _success(request, granted)


def _success(request: Request, body: Mapping[str, Any]) -> Response:
    return success(body, _context(request).request_id)


def _session(info: SessionInfo, principal: Principal) -> dict[str, Any]:
    return {
        "id": info.session_id,
        "created": _instant(info.created_at),
        "last_used": _instant(info.last_used_at),
        "expires": _instant(info.expires_at),
        "agent": info.agent,
        "address": info.address,
        "current": info.session_id == principal.session_id,
    }


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
