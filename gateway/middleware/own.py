"""Branches the gateway's own endpoints off before routing; proxied requests never meet Starlette."""

from collections.abc import Awaitable

from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal
from gateway.middleware.refusal import watched
from gateway.policy.target import Target
from gateway.reasons import Reason

JWKS_PATH = (".well-known", "jwks.json")


class OwnEndpointsMiddleware:
    """`/auth/…` and the public keys go to `own`, everything else to `app`.

    An ambiguous spelling of an own path is refused: it is neither an endpoint nor anybody's route.
    """

    def __init__(self, app: ASGIApp, *, own: ASGIApp) -> None:
        self.app = app
        self.own = own

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self.app(scope, receive, send)
        context: GatewayContext = scope[SCOPE_KEY]
        target = context.target
        if target is None or not is_own(target):
            return self.app(scope, receive, send)
        if target.marks:
            raise Refusal(Reason.PATH_AMBIGUOUS)
        context.route_name = "auth"
        scope["path"] = "/" + "/".join(target.segments)
        # With an application in the scope Starlette raises its 404 and 405, which become problems like all others.
        scope["app"] = self.own
        return self.own(scope, receive, watched(context, send))


def is_own(target: Target) -> bool:
    """Whether the gateway answers this target itself."""
    return target.segments[0] == "auth" or target.segments == JWKS_PATH
