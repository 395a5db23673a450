"""Percent-encoding as other parsers may undo it: once, twice, or until nothing is left."""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from gateway.errors import TargetRefused
from gateway.reasons import Reason

_INVALID_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
# No client has reason to encode a dot (RFC 3986 2.3); at the edge of a segment it is there to hide one, or to
# be lost where names are trimmed (CVE-2026-40912).
_EDGE_DOT = re.compile(rb"/%2e|%2e(?:/|\Z)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# %2525…2e is undone in one step: decoding it level by level would cost a caller-chosen number of passes.
_STACKED_PERCENT = re.compile(rb"%(?:25)+(?=[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")
_UTF16_ESCAPE = re.compile(rb"%u([0-9A-Fa-f]{4})")
_DEEPEST = 8
_DOT_SEGMENT = re.compile(r"(?:^|[/\\])\s*\.{1,2}\s*(?:$|[/\\;?#])")


def decode_segments(path: bytes) -> tuple[str, ...]:
    """The segments of a path that starts with `/`, each decoded exactly once.

    Raises `TargetRefused` for invalid escapes, for bytes that are not UTF-8 (overlong forms and surrogates
    are not), and for control characters.
    """
    if _INVALID_ESCAPE.search(path):
        raise _ambiguous("invalid escape")
    segments = tuple(_text(unquote_to_bytes(piece)) for piece in path[1:].split(b"/"))
    _refuse_control("/".join(segments))
    return segments


def refuse_hidden_dots(path: bytes) -> None:
    """Refuse a path in which any reader, however often it decodes and where it splits, may find `.` or `..`.

    Also refuses control characters and broken UTF-8 that come to light only after repeated decoding.
    Compatibility forms of the full stop and the slash (U+FF0E, U+2025, U+FF0F) count as what they look like.
    """
    if _EDGE_DOT.search(path):
        raise _ambiguous("encoded dot at the edge of a segment")
    text = _text(_decode_to_the_end(path))
    _refuse_control(text)
    if _DOT_SEGMENT.search(text if text.isascii() else unicodedata.normalize("NFKC", text)):
        raise _ambiguous("dot segment")


def decode_again(text: str) -> str:
    """One more level of decoding of text that `read_target` accepted."""
    return _decode_once(text.encode("utf-8")).decode("utf-8", "replace")


def _decode_to_the_end(path: bytes) -> bytes:
    for _ in range(_DEEPEST):
        decoded = _decode_once(_STACKED_PERCENT.sub(b"%", path))
        if decoded == path:
            return path
        path = decoded
    raise _ambiguous("encoded too many times")


def _decode_once(text: bytes) -> bytes:
    """`%uXXXX` (as old IIS and JavaScript's `escape` write it) counts as an escape."""
    return _UTF16_ESCAPE.sub(_from_utf16, unquote_to_bytes(text))


def _from_utf16(found: re.Match[bytes]) -> bytes:
    return chr(int(found.group(1), 16)).encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _ambiguous("invalid UTF-8") from None


def _refuse_control(text: str) -> None:
    if _CONTROL.search(text):
        raise _ambiguous("control character")


def _ambiguous(why: str) -> TargetRefused:
    return TargetRefused(Reason.PATH_AMBIGUOUS, why)
