"""Reads the sub-protocols that a WebSocket handshake offers, and finds the access token among them."""

import re
from collections.abc import Sequence
from typing import Final

from gateway.context import BEARER_PROTOCOL, Offer
from gateway.errors import Refusal
from gateway.reasons import Reason

# RFC 9110 section 5.6.2.
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def read_offer(headers: Sequence[tuple[bytes, bytes]]) -> Offer:
    """What `Sec-WebSocket-Protocol` offers (RFC 6455 section 11.3.4).

    `gateway.bearer` may only come first, and what follows it is the token. HEADER_AMBIGUOUS for names that are
    none, or given twice (section 4.1), or for `gateway.bearer` elsewhere.
    """
    fields = [value for name, value in headers if name == b"sec-websocket-protocol"]
    offered = [name.strip(b" \t") for name in b",".join(fields).split(b",")] if fields else []
    if not all(_TOKEN.fullmatch(name) for name in offered) or len(set(offered)) != len(offered):
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    bearer = offered[:1] == [BEARER_PROTOCOL]
    if BEARER_PROTOCOL in offered[1:]:
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    token = b"".join(offered[1:2]) if bearer else None
    return Offer(token, tuple(name.decode() for name in offered[2 if bearer else 0 :]))
