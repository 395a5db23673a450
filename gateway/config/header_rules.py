"""Which headers a route may add and remove."""

import re
from typing import Final

_PUNCTUATION: Final = re.compile(r"[^a-z0-9]")
_DELETED: Final = frozenset(
    {
        "xsessionid",
        "remoteuser",
        "xremoteuser",
        "forwarded",
        "xrealip",
        "xrewriteurl",
        "xmethodoverride",
        "gatewayreason",
    }
)
_DELETED_PREFIXES: Final = ("xuser", "xgateway", "xauthrequest", "xforwarded", "xoriginal", "xhttpmethod")
FRAMING: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Between two neighbours (RFC 9110 7.6.1, RFC 9112 6), or what tells a request where it belongs."""
_SET_ON_REQUEST: Final = frozenset({"via", "x-request-id", "traceparent", "tracestate"})
_SET_ON_RESPONSE: Final = frozenset({"via", "x-request-id", "gateway-reason"})


def refused_addition(name: str, *, request: bool) -> str | None:
    """Why a header (in lower case) may not be added; None when it may."""
    if name in FRAMING:
        return "belongs to the connection"
    if name in (_SET_ON_REQUEST if request else _SET_ON_RESPONSE):
        return "is set by the gateway itself"
    if request and _is_deleted(name):
        return "is set or deleted by the gateway itself, so that nobody can forge it"
    return None


def refused_removal(name: str) -> str | None:
    """Why a header (in lower case) may not be removed; None when it may."""
    return "belongs to the connection" if name in FRAMING else None


def _is_deleted(name: str) -> bool:
    bare = _PUNCTUATION.sub("", name)
    return bare in _DELETED or bare.startswith(_DELETED_PREFIXES)
