"""Reads a request once: target, host, framing, client. Everything later uses this reading and no other."""

import re
from collections.abc import Awaitable
from functools import partial
from typing import Final

from gateway.asgi import EXCHANGE_KEY, HANDSHAKE_KEY, ASGIApp, Exchange, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal
from gateway.middleware.forwarded import TrustedProxies, hops_of, scheme_of
from gateway.middleware.offer import read_offer
from gateway.policy.host import read_host
from gateway.policy.memo import Memo
from gateway.policy.target import Target, read_target
from gateway.reading import HeaderReading
from gateway.reasons import Reason

# W3C Trace Context, version 00: trace id, parent id, flags.
_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_SINGLE: Final = frozenset({b"host", b"authorization", b"content-length", b"content-type", b"transfer-encoding"})


class ReadMiddleware:
    """Fills the context from the bytes received, or refuses (400, 414, 431)."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        trusted: TrustedProxies,
        target_limit: int,
        header_limit: int,
        header_count: int,
    ) -> None:
        self.app = app
        self.trusted = trusted
        self.targets: Memo[bytes, Target] = Memo(partial(read_target, limit=target_limit))
        self.header_limit = header_limit
        self.header_count = header_count

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            self.read(scope, scope[SCOPE_KEY])
        return self.app(scope, receive, send)

    def read(self, scope: Scope, context: GatewayContext) -> None:
        """The headers, then the target; the order of refusals is the contract's."""
        reading = self._reading(scope, context)
        context.reading = reading
        context.headers = reading.headers
        context.body_length = reading.body_length
        if reading.trusted_peer:
            _believe(context, reading)
        context.traceparent = reading.traceparent or f"00-{context.request_id}-{context.request_id[:16]}-00"
        raw = scope.get("raw_target")
        if raw is None:
            raw = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        context.target = target = self.targets.get(raw)
        if target.authority is not None:
            context.host = read_host(target.authority.encode("latin-1"))
        else:
            context.host = reading.host or ""
        if HANDSHAKE_KEY in scope:
            context.offer = read_offer(context.headers)

    def _reading(self, scope: Scope, context: GatewayContext) -> HeaderReading:
        """The reading of these headers: the one of the request before, if it was sent the very same ones."""
        version = scope.get("http_version", "1.1")
        exchange: Exchange | None = scope.get(EXCHANGE_KEY)
        if exchange is None:
            return self._read_headers(context, version)
        known = exchange.memory.reading
        if known is not None and known.headers == context.headers and known.version == version:
            return known
        reading = exchange.memory.reading = self._read_headers(context, version)
        return reading

    def _read_headers(self, context: GatewayContext, version: str) -> HeaderReading:
        headers = context.headers
        if len(headers) > self.header_count or sum(len(n) + len(v) for n, v in headers) > self.header_limit:
            raise Refusal(Reason.HEADERS_TOO_LARGE)
        reading = HeaderReading(headers, version, peer=context.peer, scheme=context.scheme)
        single: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in _SINGLE:
                if name in single:
                    raise Refusal(Reason.HEADER_AMBIGUOUS)
                single[name] = value
            elif name == b"traceparent" and _TRACEPARENT.fullmatch(value):
                reading.traceparent = value.decode()
        # RFC 9112 section 3.2: an HTTP/1.1 request without Host is refused.
        if b"host" not in single and version != "1.0":
            raise Refusal(Reason.HEADER_AMBIGUOUS)
        reading.body_length = _body_length(single)
        if b"host" in single:
            reading.host = read_host(single[b"host"])
        if self.trusted.trusts(context.peer):
            self._listen_to_peer(reading)
        return reading

    def _listen_to_peer(self, reading: HeaderReading) -> None:
        """A listed peer speaks for its client: address, scheme, request id and the chain so far."""
        reading.trusted_peer = True
        hops = hops_of(reading.headers)
        reading.client_address = self.trusted.client_of(reading.client_address, hops)
        reading.forwarded_for = tuple(hop.encode("latin-1") for hop in hops)
        reading.scheme = scheme_of(reading.headers, reading.scheme)
        for name, value in reading.headers:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                reading.request_id = value.decode()


def _believe(context: GatewayContext, reading: HeaderReading) -> None:
    context.trusted_peer = True
    context.client_address = reading.client_address
    context.forwarded_for = reading.forwarded_for
    context.scheme = reading.scheme
    context.request_id = reading.request_id or context.request_id


def _body_length(single: dict[bytes, bytes]) -> int | None:
    """0 without a body, None for a body of unknown length (RFC 9112 section 6.3)."""
    length = single.get(b"content-length")
    if b"transfer-encoding" in single:
        # RFC 9112 section 6.1: both framings at once is how requests are smuggled.
        if length is not None:
            raise Refusal(Reason.HEADER_AMBIGUOUS)
        return None
    if length is None:
        return 0
    if not length.isdigit():
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    return int(length)
