"""The ways in which parsers other than the gateway's may split one path."""

import re
from collections.abc import Callable

from gateway.policy.escapes import decode_again

_MOST_READINGS = 128
_MOST_CHARACTERS = 65536  # over all readings: what one request may cost on a route that allows every mark.
_SLASH = "\x00"  # a decoded slash kept inside its segment; no accepted target has control characters.
_REPEATED = re.compile(r"/{2,}")
_PARAMS = re.compile(r";[^/]*")
_LAST_PARAMS = re.compile(r";[^/]*\Z")


def other_readings(segments: tuple[str, ...]) -> list[tuple[str, ...]] | None:
    """Every reading that differs from `segments`, or None when there are too many to look at.

    A reading is what any sequence of these leaves: decoded slashes or backslashes separate, repeated slashes
    count once, `;params` are dropped (of each segment, of the last one, or with all that follows), the path
    ends at a decoded `?` or `#`, escapes are decoded again.
    """
    plain = _joined(segments)
    seen = {plain}
    pending = [plain]
    while pending:
        text = pending.pop()
        new = {step(text) for step in _STEPS} - seen
        seen |= new
        pending.extend(new)
        if len(seen) > _MOST_READINGS or len(seen) * len(plain) > _MOST_CHARACTERS:
            return None
    seen.discard(plain)
    return [_split(text) for text in sorted(seen)]


def _joined(segments: tuple[str, ...]) -> str:
    return "/" + "/".join(segment.replace("/", _SLASH) for segment in segments)


def _split(text: str) -> tuple[str, ...]:
    return tuple(segment.replace(_SLASH, "/") for segment in text[1:].split("/"))


def _decode(text: str) -> str:
    return _joined(tuple(decode_again(segment) for segment in text[1:].split("/")))


_STEPS: tuple[Callable[[str], str], ...] = (
    lambda text: text.replace(_SLASH, "/"),
    lambda text: text.replace("\\", "/"),
    lambda text: _REPEATED.sub("/", text),
    lambda text: _PARAMS.sub("", text),
    lambda text: _LAST_PARAMS.sub("", text),
    lambda text: text.partition(";")[0],
    lambda text: text.partition("?")[0],
    lambda text: text.partition("#")[0],
    _decode,
)
