"""Tokens that were verified a moment ago, so that a signature is checked once and not on every request."""

import hashlib
from collections import OrderedDict

from gateway.principal import Principal


class VerifiedTokens:
    """At most `size` principals by the SHA-256 digest of their token; the oldest entry makes room.

    Keyed by digest: an entry is small whatever the token's length, and no token stays in memory. Only
    successes are kept, so that a flood of bad tokens displaces nothing. Whoever asks still checks the expiry.
    """

    # Taking the oldest key out of a plain dict walks over the holes left before it; an OrderedDict has none.
    __slots__ = ("_by_digest", "_size", "find")

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_digest: OrderedDict[bytes, Principal] = OrderedDict()
        self.find = self._by_digest.get

    def add(self, digest: bytes, principal: Principal) -> None:
        """Remember what the token with this digest stands for."""
        self._by_digest[digest] = principal
        if len(self._by_digest) > self._size:
            self._by_digest.popitem(last=False)

    def discard(self, digest: bytes) -> None:
        """Forget an entry that has expired."""
        self._by_digest.pop(digest, None)

    def __len__(self) -> int:
        return len(self._by_digest)


def digest_of(token: bytes) -> bytes:
    """The key of a token in the cache."""
    return hashlib.sha256(token).digest()
