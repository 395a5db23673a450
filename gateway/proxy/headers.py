"""The header lists that leave the gateway: to an upstream, and back to the client."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from gateway.context import GatewayContext
from gateway.errors import Refusal, UpstreamFailed
from gateway.policy.access import AccessPublic
from gateway.policy.route import Forwarding, Route
from gateway.proxy.block import HeaderBlock, LastBlock
from gateway.proxy.fields import Fate, FieldNames
from gateway.proxy.hops import one_hop_on
from gateway.proxy.identity import holds_control, identity_fields
from gateway.proxy.transport import Headers
from gateway.reasons import Reason

_VIA: Final = (b"via", b"1.1 gateway")
_SCHEME: Final = re.compile(rb"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]*)")
# An attribute of an enum costs as much as the rest of the loop.
_KEEP, _DROP, _LENGTH, _CONNECTION = Fate.KEEP, Fate.DROP, Fate.LENGTH, Fate.CONNECTION
_AUTHORIZATION, _COOKIE, _HOST = Fate.AUTHORIZATION, Fate.COOKIE, Fate.HOST
_HTTP, _HTTPS = (b"x-forwarded-proto", b"http"), (b"x-forwarded-proto", b"https")
_SCHEMES: Final = {"http": _HTTP, "https": _HTTPS, "ws": _HTTP, "wss": _HTTPS}
_PERSISTENCE: Final = frozenset((b"keep-alive", b"close", b""))


class HeaderRules:
    """What all requests share. `cookies`: the gateway's own names; `strip`: more names to delete."""

    def __init__(self, *, strip: Iterable[str] = (), cookies: Iterable[str] = ()) -> None:
        self.names = FieldNames(strip)
        self.cookies = frozenset(name.encode("latin-1") for name in cookies)


def request_headers(
    rules: HeaderRules, context: GatewayContext, route: Route, *, authority: bytes, preserve_host: bool = False
) -> Headers:
    """All fields for the upstream at `authority`: the client's, then ours, then those of this request alone."""
    block = request_block(rules, context, route)
    if preserve_host and block.host:
        authority = block.host
    return [(b"host", authority), *block.fields, *request_marks(context, route)]


def request_marks(context: GatewayContext, route: Route) -> Headers:
    """What names this one request: `X-Request-Id` and the W3C `traceparent`."""
    if not context.request_id.isprintable():
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    marks = [(b"x-request-id", context.request_id.encode("latin-1"))]
    if context.traceparent:
        marks.append((b"traceparent", context.traceparent.encode("latin-1")))
    removed = route.forwarding.request_headers_remove
    return [mark for mark in marks if mark[0] not in removed] if removed else marks


def request_block(rules: HeaderRules, context: GatewayContext, route: Route) -> HeaderBlock:
    """The fields that are the same for every request with these headers, by this caller, to this route.

    An absolute-form target may name another host each time (RFC 9112 section 3.2.2), and OPTIONS counts its hops:
    nothing is kept then.
    """
    reading = context.reading
    absolute = context.target is not None and context.target.authority is not None
    if reading is None or absolute or context.method == "OPTIONS":
        return _block(rules, context, route)
    last: LastBlock | None = reading.derived.get(LastBlock)
    if last is not None and last.route is route and last.principal is context.principal:
        return last.block
    block = _block(rules, context, route)
    reading.derived[LastBlock] = LastBlock(route, context.principal, block)
    return block


def _block(rules: HeaderRules, context: GatewayContext, route: Route) -> HeaderBlock:
    """The client's own fields in their order, then the gateway's.

    Everything the gateway writes is set after everything a client can say has been deleted, so that no
    `Connection` option removes it (RFC 9110 section 7.6.1).
    """
    forwarding = route.forwarding
    kept, said = _of_client(rules, context, route)
    host = _host(context, said)
    if context.method == "OPTIONS":
        kept = one_hop_on(kept)
    own = _own_fields(context, said, host)
    if forwarding.identity and context.principal is not None:
        own += identity_fields(context.principal)
    fields = _edited([*kept, *own], forwarding.request_headers_add, forwarding.request_headers_remove)
    return HeaderBlock(fields, host)


def _of_client(rules: HeaderRules, context: GatewayContext, route: Route) -> tuple[Headers, dict[Fate, bytes]]:
    """What of the client's fields goes on, and the values the gateway reads itself."""
    forwarding = route.forwarding
    fate_of = rules.names.of_request
    kept: Headers = []
    said: dict[Fate, bytes] = {}
    for field in context.headers:
        fate = fate_of(field[0])
        if fate is _KEEP or fate is _LENGTH:
            kept.append(field)
        elif fate is _AUTHORIZATION:
            if forwarding.forward_credentials or _may_pass(field[1], route):
                kept.append(field)
        elif fate is _COOKIE:
            kept.extend(_cookie_field(field, rules.cookies, forwarding))
        elif fate is _CONNECTION and _CONNECTION in said:
            said[fate] += b"," + field[1]
        elif fate is not _DROP:
            said[fate] = field[1]
    if _CONNECTION in said:
        kept = _without(kept, said[_CONNECTION])
    return kept, said


def response_headers(
    rules: HeaderRules,
    headers: Headers,
    *,
    status: int,
    request_id: str,
    forwarding: Forwarding,
    upstream: str,
) -> Headers:
    """The fields for the client, in the upstream's order, names in lower case.

    `Content-Length` goes where RFC 9110 section 8.6 forbids it (204) and beside `Transfer-Encoding`
    (RFC 9112 section 6.3). UpstreamFailed(UPSTREAM_INVALID) for control characters in a value.
    """
    fate_of = rules.names.of_response
    kept: Headers = []
    listed: bytes | None = None
    unsized = status == 204
    for name, value in headers:
        fate, lower = fate_of(name)
        if fate is _KEEP or fate is _LENGTH:
            kept.append((lower, value))
        elif fate is _CONNECTION:
            listed = value if listed is None else listed + b"," + value
        elif lower == b"transfer-encoding":
            unsized = True
    if unsized:
        kept = [field for field in kept if field[0] != b"content-length"]
    if listed is not None and listed != b"keep-alive":
        kept = _without(kept, listed)
    if holds_control(b"".join([value for _, value in kept])):
        raise UpstreamFailed(Reason.UPSTREAM_INVALID, upstream, "a control character in a header")
    kept = _edited(kept, forwarding.response_headers_add, forwarding.response_headers_remove)
    kept.append((b"x-request-id", request_id.encode("latin-1")))
    return kept


def _without(fields: Headers, listed: bytes) -> Headers:
    """The fields that `Connection` does not name. The length stays: it frames the message we send on."""
    names = {name.strip().lower() for name in listed.split(b",")} - _PERSISTENCE - {b"content-length"}
    return [field for field in fields if field[0] not in names] if names else fields


def _may_pass(authorization: bytes, route: Route) -> bool:
    """Without `credentials: forward`: never a Bearer token, others only where the gateway asks nothing."""
    scheme = _SCHEME.match(authorization)
    bearer = scheme is not None and scheme[1].lower() == b"bearer"
    return not bearer and isinstance(route.access, AccessPublic)


def _cookie_field(field: tuple[bytes, bytes], own: Collection[bytes], forwarding: Forwarding) -> Headers:
    """The field without the gateway's cookies; untouched, byte for byte, when it holds none of them."""
    if forwarding.forward_credentials or not own:
        return [field]
    crumbs = field[1].split(b";")
    others = [crumb for crumb in crumbs if crumb.partition(b"=")[0].strip() not in own]
    if len(others) == len(crumbs):
        return [field]
    value = b";".join(others).strip()
    return [(field[0], value)] if value else []


def _host(context: GatewayContext, said: dict[Fate, bytes]) -> bytes:
    """The host the client named; an absolute-form target overrules the field (RFC 9112 section 3.2.2)."""
    if context.target is not None and context.target.authority is not None:
        return context.target.authority.encode("latin-1")
    return said.get(_HOST, b"")


def _own_fields(context: GatewayContext, said: dict[Fate, bytes], host: bytes) -> Headers:
    chain = [context.peer.encode("latin-1")] if context.peer else []
    if context.trusted_peer:
        # What a trusted proxy heard from its client is further from us, and nearer to the truth.
        chain = [*context.forwarded_for, *chain]
        host = said.get(Fate.FORWARDED_HOST, host)
    fields = [_VIA, _SCHEMES[context.scheme]]
    if chain:
        fields.append((b"x-forwarded-for", b", ".join(chain)))
    if host:
        fields.append((b"x-forwarded-host", host))
    # Of what is written here only a trusted peer's words were not checked when the request was read.
    if context.trusted_peer and holds_control(b"".join([value for _, value in fields])):
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    return fields


def _edited(fields: Headers, add: Iterable[tuple[bytes, bytes]], remove: Collection[bytes]) -> Headers:
    if remove:
        fields = [field for field in fields if field[0] not in remove]
    return [*fields, *add] if add else fields
