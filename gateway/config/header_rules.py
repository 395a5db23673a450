"""Which headers a route may add and remove. Names are judged without punctuation or case, as the proxy does."""

import re
from typing import Final

_PUNCTUATION: Final = re.compile(r"[^a-z0-9]")
_DELETED: Final = frozenset(
    [
        "xsessionid",
        "remoteuser",
        "xremoteuser",
        "forwarded",
        "xrealip",
        "xrewriteurl",
        "xmethodoverride",
        "gatewayreason",
    ]
)
_DELETED_FAMILIES: Final = ("xuser", "xgateway", "xauthrequest", "xforwarded", "xoriginal", "xhttpmethod")
_FRAMING: Final = frozenset(
    [
        "connection",
        "contentlength",
        "expect",
        "host",
        "http2settings",
        "keepalive",
        "proxyauthenticate",
        "proxyauthenticationinfo",
        "proxyauthorization",
        "proxyconnection",
        "te",
        "trailer",
        "transferencoding",
        "upgrade",
    ]
)
"""Between two neighbours (RFC 9110 7.6.1, RFC 9112 6), or what tells a request where it belongs."""
_SET_ON_REQUEST: Final = frozenset({"via", "xrequestid", "traceparent", "tracestate"})
_IDENTITY: Final = frozenset({"x-user-id", "x-user-email", "x-user-display-name", "x-user-role", "x-session-id"})
_SET_ON_RESPONSE: Final = frozenset({"via", "xrequestid", "gatewayreason"})


def refused_addition(name: str, *, request: bool) -> str | None:
    """Why a header may not be added; None when it may."""
    plain = _squeezed(name)
    if plain in _FRAMING:
        return "belongs to the connection"
    if plain in (_SET_ON_REQUEST if request else _SET_ON_RESPONSE):
        return "is set by the gateway itself"
    if request and (plain in _DELETED or plain.startswith(_DELETED_FAMILIES)):
        return "is set or deleted by the gateway itself, so that nobody can forge it"
    return None


def refused_removal(name: str) -> str | None:
    """Why a header may not be removed; None when it may."""
    return "belongs to the connection" if _squeezed(name) in _FRAMING else None


def is_identity(name: str) -> bool:
    """Whether the gateway tells an upstream in this header who calls."""
    return name.lower() in _IDENTITY


def _squeezed(name: str) -> str:
    return _PUNCTUATION.sub("", name.lower())
