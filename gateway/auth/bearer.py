"""Finds the access token of a request; a token in two places, or in the query string, is refused."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.context import Offer
from gateway.errors import Refusal
from gateway.principal import Anonymous
from gateway.reasons import Reason

# RFC 6750 section 2.1: b64token. The scheme is case-insensitive (RFC 9110 section 11.1).
_TOKEN_BYTES: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/-="


def read_bearer(headers: Sequence[tuple[bytes, bytes]], query: bytes | None) -> bytes | Anonymous:
    """The token's bytes, or why there is none. Other schemes than Bearer are not ours: TOKEN_MISSING."""
    value: bytes | None = None
    for name, text in headers:
        if name == b"authorization":
            if value is not None:
                raise Refusal(Reason.HEADER_AMBIGUOUS)
            value = text
    in_query = query is not None and mentions_token(query)
    if value is None or value[:6].lower() != b"bearer":
        return Anonymous(Reason.TOKEN_MALFORMED) if in_query else Anonymous()
    if in_query:
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    token = value[7:]
    # Deleting what may be in a token is four times as fast as matching a token of usual length.
    if value[6:7] != b" " or not token or token.translate(None, _TOKEN_BYTES):
        return Anonymous(Reason.TOKEN_MALFORMED)
    return token


def read_offered(found: bytes | Anonymous, offer: Offer) -> bytes | Anonymous:
    """The token of a WebSocket handshake: `found` elsewhere, or offered as a sub-protocol; never in two places."""
    if offer.token is None:
        return found
    if found != Anonymous():
        raise Refusal(Reason.HEADER_AMBIGUOUS)
    return offer.token or Anonymous(Reason.TOKEN_MALFORMED)


def mentions_token(query: bytes) -> bool:
    """Whether a parameter is named `access_token` in any spelling (RFC 6750 section 2.3 is not supported)."""
    if b"token" not in query and b"%" not in query:
        return False
    names = (field.partition(b"=")[0] for field in re.split(b"[&;]", query))
    return any(unquote_to_bytes(name.replace(b"+", b" ")).strip() == b"access_token" for name in names)
