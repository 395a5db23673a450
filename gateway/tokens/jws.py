"""The signature layer: sign a payload, and check a parsed token against the one key its `kid` names."""

import json
from collections.abc import Mapping
from typing import Any

from gateway.errors import TokenRefused
from gateway.reasons import Reason
from gateway.tokens.key import Key
from gateway.tokens.strict import ParsedToken, encode_segment


class Signer:
    """Signs payloads with one key under one `typ`. The same payload gives the same bytes (not for ES256)."""

    __slots__ = ("_header", "_key")

    def __init__(self, key: Key, typ: str) -> None:
        self._key = key
        self._header = encode_segment(_compact({"alg": key.algorithm, "typ": typ, "kid": key.kid})) + b"."

    def sign(self, payload: Mapping[str, object]) -> str:
        """A compact JWS over the payload's members in the order given."""
        signing_input = self._header + encode_segment(_compact(payload))
        return (signing_input + b"." + encode_segment(self._key.sign(signing_input))).decode("ascii")


def check_signature(token: ParsedToken, keys: Mapping[str, Key], typ: str) -> None:
    """TokenRefused unless the token is of this `typ` and signed with the key that it names.

    The key decides the algorithm, never the token (RFC 8725 section 3.1), and no second key is tried.
    """
    if token.typ != typ:
        raise TokenRefused(Reason.TOKEN_WRONG_TYPE, f"typ is not {typ}")
    key = keys.get(token.kid)
    if key is None:
        raise TokenRefused(Reason.TOKEN_INVALID, "unknown kid")
    if token.algorithm != key.algorithm:
        raise TokenRefused(Reason.TOKEN_INVALID, "algorithm is not the key's own")
    if not key.verify(token.signing_input, token.signature):
        raise TokenRefused(Reason.TOKEN_INVALID, "signature does not fit")


def _compact(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
