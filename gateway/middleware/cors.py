"""Cross-origin answers: what lets pages of listed origins read them, refusals included."""

from collections.abc import Awaitable
from typing import Final

from gateway.asgi import ASGIApp, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.middleware.fields import Fields, setting_fields
from gateway.policy.cors import CorsPolicy

_EXPOSED: Final = (
    b"Gateway-Reason, WWW-Authenticate, Retry-After, X-Request-Id, "
    b"RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)
# An upstream's own opinion of who may read its answers does not count where the gateway has one.
_REPLACED: Final = frozenset(
    b"access-control-" + name
    for name in (
        b"allow-credentials",
        b"allow-headers",
        b"allow-methods",
        b"allow-origin",
        b"allow-private-network",
        b"expose-headers",
        b"max-age",
    )
)


class CrossOrigin:
    """Says which fields an answer needs. `everywhere` holds for own endpoints and where no route matched."""

    def __init__(self, everywhere: CorsPolicy | None) -> None:
        self.everywhere = everywhere

    def policy_for(self, context: GatewayContext) -> CorsPolicy | None:
        """The route's policy; None where others decide about origins."""
        return context.match.route.cors if context.match is not None else self.everywhere

    def fields_for(self, context: GatewayContext) -> Fields:
        """The fields of an answer to this request; none where no policy holds.

        `Vary` also when the request has no `Origin`: a cache must not hand that answer to a page.
        """
        policy = self.policy_for(context)
        if policy is None:
            return []
        return [*granted(policy, origin_of(context)), (b"vary", b"Origin")]


class CorsMiddleware:
    """Sets the fields on the answers of `app` where a policy holds; elsewhere nothing is touched."""

    def __init__(self, app: ASGIApp, *, cross_origin: CrossOrigin) -> None:
        self.app = app
        self.cross_origin = cross_origin

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        fields = self.cross_origin.fields_for(scope[SCOPE_KEY])
        return self.app(scope, receive, setting_fields(send, fields, _REPLACED) if fields else send)


def origin_of(context: GatewayContext) -> bytes | None:
    """The `Origin` of the request; None when there is none, or more than one."""
    found = [value for name, value in context.headers if name == b"origin"]
    return found[0] if len(found) == 1 else None


def granted(policy: CorsPolicy, origin: bytes | None, *, exposed: bool = True) -> Fields:
    """What lets pages of the origin read an answer; nothing when they may not."""
    allowed = None if origin is None else policy.answer_to(origin)
    if allowed is None:
        return []
    fields = [(b"access-control-allow-origin", allowed)]
    if policy.credentials:
        fields.append((b"access-control-allow-credentials", b"true"))
    if exposed:
        fields.append((b"access-control-expose-headers", _EXPOSED))
    return fields
