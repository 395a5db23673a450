"""How many connections each client address holds in this worker."""

import sys

from gateway.middleware.forwarded import TrustedProxies
from gateway.policy.address import address_block


class Crowd:
    """Admits up to `most` connections of an address (IPv6: of a /64) at a time; O(1), and bounded by what is open.

    The address is the peer's: nobody has said anything yet. Trusted proxies speak for many and are not counted.
    """

    def __init__(self, most: int = sys.maxsize, trusted: TrustedProxies | None = None) -> None:
        self.most = most
        self.trusted = trusted or TrustedProxies(())
        self.held: dict[str, int] = {}

    def enter(self, address: str) -> str | None:
        """The place that the connection takes, to be given back; None when the address holds enough."""
        if not address or self.trusted.trusts(address):
            return ""
        block = address_block(address)
        count = self.held.get(block, 0)
        if count >= self.most:
            return None
        self.held[block] = count + 1
        return block

    def leave(self, place: str) -> None:
        """Give a place back."""
        count = self.held.get(place, 0)
        if count > 1:
            self.held[place] = count - 1
        else:
            self.held.pop(place, None)
