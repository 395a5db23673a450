"""What becomes of a header field, by its name alone; names are judged without punctuation or case."""

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, Final

_PUNCTUATION: Final = re.compile(rb"[^a-z0-9]")
_KNOWN_NAMES: Final = 4096
_LONGEST_NAME: Final = 64

# RFC 9110 section 7.6.1, and what belongs to one connection or to the gateway: never carried over.
_HOP_BY_HOP: Final = (
    b"connection",
    b"keepalive",
    b"proxyconnection",
    b"proxyauthenticate",
    b"proxyauthenticationinfo",
    b"proxyauthorization",
    b"te",
    b"trailer",
    b"transferencoding",
    b"upgrade",
    b"http2settings",
    # CGI makes HTTP_PROXY of it, which programs obey (httpoxy, CVE-2016-5385).
    b"proxy",
    b"secwebsocketkey",
    b"secwebsocketversion",
    b"secwebsocketaccept",
    b"secwebsocketextensions",
    b"secwebsocketprotocol",
    b"gatewayreason",
)
# Written by the gateway itself, or a way to say something else about identity, address, target or method.
_SPOOFABLE: Final = (
    b"xsessionid",
    b"remoteuser",
    b"xremoteuser",
    b"forwarded",
    b"xrealip",
    b"xrewriteurl",
    b"xmethodoverride",
    b"xrequestid",
    b"traceparent",
    b"expect",
)
_SPOOFABLE_FAMILIES: Final = (
    b"xuser",
    b"xgateway",
    b"xauthrequest",
    b"xforwarded",
    b"xoriginal",
    b"xhttpmethod",
)


class Fate(IntEnum):
    """KEEP is 0, so that the common case is one falsy test."""

    KEEP = 0
    DROP = 1
    CONNECTION = 2
    AUTHORIZATION = 3
    COOKIE = 4
    HOST = 5
    LENGTH = 6
    FORWARDED_HOST = 7


_REQUEST_SPECIAL: Final = {
    b"connection": Fate.CONNECTION,
    b"authorization": Fate.AUTHORIZATION,
    b"cookie": Fate.COOKIE,
    b"host": Fate.HOST,
    b"content-length": Fate.LENGTH,
    b"x-forwarded-host": Fate.FORWARDED_HOST,
}
_OPTIONAL: Final = (Fate.AUTHORIZATION, Fate.COOKIE)
_RESPONSE_SPECIAL: Final = {b"connection": Fate.CONNECTION, b"content-length": Fate.LENGTH}
# An alias of these (`Content_Length`) is the same variable to an application behind CGI or WSGI.
_NO_ALIASES: Final = (b"authorization", b"cookie", b"host", b"contentlength")


def squeeze(name: bytes) -> bytes:
    """`X_User.Id` as `xuserid`."""
    return _PUNCTUATION.sub(b"", name.lower())


class FieldNames:
    """The fate of every name, remembered for the names seen so far: a lookup costs a dictionary access.

    Request names arrive in lower case, response names as the upstream wrote them.
    """

    def __init__(self, strip: Iterable[str] = ()) -> None:
        self._strip = frozenset(squeeze(name.encode("latin-1")) for name in strip)
        self._dropped = self._strip.union(_HOP_BY_HOP, _SPOOFABLE, _NO_ALIASES)
        self._request: dict[bytes, Fate] = {}
        self._response: dict[bytes, tuple[Fate, bytes]] = {}

    def of_request(self, name: bytes) -> Fate:
        """The fate of a client's field."""
        fate = self._request.get(name)
        if fate is None:
            fate = self._judge_request(name.lower())
            _remember(self._request, name, fate)
        return fate

    def of_response(self, name: bytes) -> tuple[Fate, bytes]:
        """The fate of an upstream's field, and its name in lower case."""
        known = self._response.get(name)
        if known is None:
            known = _judge_response(name.lower()), name.lower()
            _remember(self._response, name, known)
        return known

    def _judge_request(self, name: bytes) -> Fate:
        plain = squeeze(name)
        special = _REQUEST_SPECIAL.get(name)
        if special is not None and not (special in _OPTIONAL and plain in self._strip):
            return special
        return Fate.DROP if plain in self._dropped or plain.startswith(_SPOOFABLE_FAMILIES) else Fate.KEEP


def _judge_response(name: bytes) -> Fate:
    if name in _RESPONSE_SPECIAL:
        return _RESPONSE_SPECIAL[name]
    return Fate.DROP if squeeze(name) in (*_HOP_BY_HOP, b"xrequestid") else Fate.KEEP


def _remember(known: dict[bytes, Any], key: bytes, value: Any) -> None:
    """Long names are judged anew each time: they are a sender's invention, and would fill the memory."""
    if len(key) > _LONGEST_NAME:
        return
    if len(known) >= _KNOWN_NAMES:
        known.clear()
    known[key] = value
