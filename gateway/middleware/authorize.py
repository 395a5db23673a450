"""Who is calling, and may they: authenticates, decides, and lets the request pass or refuses it."""

from collections.abc import Awaitable
from typing import Protocol

from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal
from gateway.policy.access import AccessPublic
from gateway.policy.decide import decide
from gateway.policy.table import Match
from gateway.principal import Anonymous, Authentication
from gateway.reasons import Reason


class Authenticator(Protocol):
    """Turns the credentials of a request into an identity; raises Refusal for ambiguous ones."""

    def authenticate(self, context: GatewayContext) -> Authentication:
        """The caller as the token and the revocations this worker knows of say; no round trip."""
        ...

    def nobody(self, context: GatewayContext) -> Anonymous:
        """No identity, for routes that ask for none."""
        ...

    async def confirm(self, authentication: Authentication) -> Authentication:
        """The same, confirmed by the session store (`revocation: strict`)."""
        ...


class AuthorizeMiddleware:
    """The decision is made here once, and kept in the context for the proxy and the log."""

    def __init__(self, app: ASGIApp, *, authenticator: Authenticator) -> None:
        self.app = app
        self.authenticator = authenticator

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        context: GatewayContext = scope[SCOPE_KEY]
        match = context.match
        if match is None:
            raise Refusal(Reason.NO_ROUTE)
        if isinstance(match.route.access, AccessPublic):
            _judge(context, match, self.authenticator.nobody(context))
        elif match.route.strict_revocation:
            return self._confirmed(context, match, scope, receive, send)
        else:
            _judge(context, match, self.authenticator.authenticate(context))
        return self.app(scope, receive, send)

    async def _confirmed(
        self, context: GatewayContext, match: Match, scope: Scope, receive: Receive, send: Send
    ) -> None:
        authentication = await self.authenticator.confirm(self.authenticator.authenticate(context))
        _judge(context, match, authentication)
        await self.app(scope, receive, send)


def _judge(context: GatewayContext, match: Match, authentication: Authentication) -> None:
    decision = decide(match.route, match.params, authentication)
    context.decision = decision
    context.principal = decision.principal
    if not decision.allowed:
        raise Refusal(decision.reason or Reason.NO_ROUTE, detail=decision.detail)
