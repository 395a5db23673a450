"""The strict reading of a compact JWS (RFC 7515 section 3.1): one spelling of a token, one meaning.

Everything a lenient JSON or base64 reader lets through is refused here, before a signature is looked at. What
PyJWT alone would accept of it is listed in `tests/tokens/test_attacks.py`.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from gateway.errors import TokenRefused
from gateway.reasons import Reason

MAX_TOKEN_BYTES: Final = 8 * 1024
MAX_NESTING: Final = 8
MAX_INTEGER_DIGITS: Final = 15
"""Every such integer is exact as a double too: Lua and JavaScript read the number that we read."""

_COMPACT: Final = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_HEADER_KEYS: Final = frozenset({"alg", "typ", "kid"})


@dataclass(frozen=True, slots=True)
class ParsedToken:
    """A token of good form; nothing in it is to be believed yet. A missing header key is the empty string."""

    algorithm: str
    typ: str
    kid: str
    payload: dict[str, Any]
    signing_input: bytes
    signature: bytes


def parse_token(token: bytes) -> ParsedToken:
    """Read a token of at most 8 KiB; TokenRefused(TOKEN_MALFORMED) for all but its one spelling."""
    if len(token) > MAX_TOKEN_BYTES:
        _refuse("longer than 8 KiB")
    segments = _COMPACT.fullmatch(token)
    if segments is None:
        _refuse("not three base64url segments")
    header = _read_object(_decode(segments[1]))
    if not _HEADER_KEYS.issuperset(header):
        _refuse("header has a key other than alg, typ, kid")
    if not all(type(value) is str for value in header.values()):
        _refuse("header value is not a string")
    return ParsedToken(
        algorithm=header.get("alg", ""),
        typ=header.get("typ", ""),
        kid=header.get("kid", ""),
        payload=_read_object(_decode(segments[2])),
        signing_input=token[: segments.end(2)],
        signature=_decode(segments[3]),
    )


def encode_segment(data: bytes) -> bytes:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decode(segment: bytes) -> bytes:
    try:
        decoded = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except binascii.Error:
        _refuse("segment is not base64url")
    # Non-zero trailing bits: a second spelling of the same bytes (RFC 4648 section 3.5).
    if encode_segment(decoded) != segment:
        _refuse("segment is not canonical base64url")
    return decoded


def _read_object(data: bytes) -> dict[str, Any]:
    try:
        value = _DECODER.decode(data.decode("utf-8"))
        if b"\\u" in data:  # Only an escape can smuggle in a lone surrogate, which is not UTF-8 again.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as problem:
        why = problem.why if isinstance(problem, _NotStrict) else "not JSON in UTF-8"
        raise TokenRefused(Reason.TOKEN_MALFORMED, why) from None
    if type(value) is not dict:
        _refuse("not a JSON object")
    _check_depth(value.values(), MAX_NESTING)
    return value


def _check_depth(values: Iterable[Any], levels: int) -> None:
    if levels == 0:
        _refuse("nested too deep")
    for value in values:
        if type(value) is dict:
            _check_depth(value.values(), levels - 1)
        elif type(value) is list:
            _check_depth(value, levels - 1)


class _NotStrict(ValueError):
    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotStrict("duplicate key")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise _NotStrict("integer too large")
    return int(digits)


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _NotStrict("number too large")
    return number


def _constant(name: str) -> NoReturn:
    raise _NotStrict(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


def _refuse(why: str) -> NoReturn:
    raise TokenRefused(Reason.TOKEN_MALFORMED, why)
