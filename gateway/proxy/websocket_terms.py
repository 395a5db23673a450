"""What a WebSocket is opened with, on each hop of its own: keys, compression, sub-protocols."""

import logging
from typing import Final

from websockets.client import ClientProtocol
from websockets.datastructures import Headers as FieldMap
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.headers import build_extension
from websockets.http11 import Response
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI
from websockets.utils import accept_key

from gateway.context import BEARER_PROTOCOL, GatewayContext, Offer
from gateway.errors import Refusal, UpstreamFailed
from gateway.proxy.transport import Headers
from gateway.reasons import Reason

# No window is kept between messages: an idle WebSocket would hold 90 KB of them (RFC 7692 section 7.1.1).
_TO_CLIENTS: Final = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=12,
    client_max_window_bits=12,
    compress_settings={"memLevel": 5},
)
_TO_UPSTREAMS: Final = ClientPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True, compress_settings={"memLevel": 5}
)
_UPSTREAM_OFFER: Final = build_extension([(_TO_UPSTREAMS.name, _TO_UPSTREAMS.get_request_params())]).encode()
# The library asks for an address; the connection is made by others.
_NO_ADDRESS: Final = WebSocketURI(False, "", 0, "", "")

logger = logging.getLogger("gateway.websocket")
logger.setLevel(logging.WARNING)


def fields_named(headers: Headers, name: bytes) -> list[bytes]:
    """The values of all fields of that name (in lower case)."""
    return [value for each, value in headers if each.lower() == name]


class ClientTerms:
    """The hop from a client: the terms of its handshake, and what it is answered.

    HEADER_AMBIGUOUS for extensions that cannot be read. `frames` is open from the start.
    """

    def __init__(self, context: GatewayContext, *, message_limit: int) -> None:
        headers = context.headers
        self.offer = context.offer or Offer(None, ())
        self.key = b"".join(fields_named(headers, b"sec-websocket-key")).decode("latin-1")
        self.frames: Protocol = ServerProtocol(
            extensions=[_TO_CLIENTS], state=State.OPEN, max_size=message_limit, logger=logger
        )
        offered = [value.decode("latin-1") for value in fields_named(headers, b"sec-websocket-extensions")]
        fields = FieldMap([("Sec-WebSocket-Extensions", value) for value in offered])
        try:
            self.extensions, self.frames.extensions = ServerProtocol.process_extensions(self.frames, fields)
        except InvalidHandshake:
            raise Refusal(Reason.HEADER_AMBIGUOUS) from None

    @property
    def compresses(self) -> bool:
        return bool(self.frames.extensions)

    def answer(self, chosen: str | None) -> Headers:
        """The fields of the 101. `chosen` is the upstream's sub-protocol; `gateway.bearer` stands in for none."""
        fields = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", accept_key(self.key).encode()),
        ]
        if chosen is not None:
            fields.append((b"sec-websocket-protocol", chosen.encode()))
        elif self.offer.token is not None:
            fields.append((b"sec-websocket-protocol", BEARER_PROTOCOL))
        if self.extensions is not None:
            fields.append((b"sec-websocket-extensions", self.extensions.encode()))
        return fields


class UpstreamTerms:
    """The hop to an upstream. Compression is offered where the client offers it: the gain is the client's."""

    def __init__(self, offer: Offer, *, compress: bool, message_limit: int) -> None:
        self.offered = [Subprotocol(name) for name in offer.others]
        self.compress = compress
        self.frames = ClientProtocol(
            _NO_ADDRESS,
            extensions=[_TO_UPSTREAMS] if compress else None,
            subprotocols=self.offered or None,
            state=State.OPEN,
            max_size=message_limit,
            logger=logger,
        )

    def request(self) -> Headers:
        """The fields that make the request a handshake."""
        fields = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-key", self.frames.key.encode()),
            (b"sec-websocket-version", b"13"),
        ]
        if self.offered:
            fields.append((b"sec-websocket-protocol", ", ".join(self.offered).encode()))
        if self.compress:
            fields.append((b"sec-websocket-extensions", _UPSTREAM_OFFER))
        return fields

    def settle(self, headers: Headers, upstream: str) -> str | None:
        """Take the upstream's 101; its sub-protocol. UpstreamFailed(UPSTREAM_INVALID) if it agrees to anything else."""
        fields = FieldMap([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
        try:
            self.frames.process_response(Response(101, "", fields))
        except InvalidHandshake as error:
            raise UpstreamFailed(Reason.UPSTREAM_INVALID, upstream, str(error)) from None
        return self.frames.subprotocol
