"""Host names to addresses: off the event loop, one question at a time, asked again for new connections."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses; OSError when there are none."""

_FRESH_SECONDS: Final = 1.0
_SHUN_SECONDS: Final = 10.0


class Addresses:
    """The addresses of `host`. An answer is good for a second, so that a burst of connections asks once.

    An address where no connection came about stands last for ten seconds; it is never left out.
    """

    def __init__(self, host: str, port: int, resolve: Resolve | None = None) -> None:
        self._host = host
        self._port = port
        self._resolve = resolve or ask_the_system
        self._literal = _is_literal(host)
        self._known: Sequence[str] = (host,) if self._literal else ()
        self._known_until = 0.0
        self._lookup: asyncio.Task[None] | None = None
        self._silent: dict[str, float] = {}

    async def all(self) -> Sequence[str]:
        """In the order in which to try them, at least one; OSError when the name has none.

        Whoever gives up waiting leaves the question running for the next one who asks, so that a slow resolver
        is asked once at a time, and cannot take every thread there is for such questions.
        """
        if self._literal:
            return self._known
        loop = asyncio.get_running_loop()
        if loop.time() >= self._known_until:
            if self._lookup is None or self._lookup.done():
                self._lookup = loop.create_task(self._ask(loop))
                self._lookup.add_done_callback(_heard)
            await asyncio.shield(self._lookup)
        return sorted(self._known, key=lambda address: self._silent.get(address, 0.0) > loop.time())

    def silent(self, address: str) -> None:
        """No connection came about there."""
        self._silent = {each: until for each, until in self._silent.items() if each in self._known}
        self._silent[address] = asyncio.get_running_loop().time() + _SHUN_SECONDS

    def close(self) -> None:
        if self._lookup is not None:
            self._lookup.cancel()

    async def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        self._known = await self._resolve(self._host, self._port)
        self._known_until = loop.time() + _FRESH_SECONDS


async def ask_the_system(host: str, port: int) -> Sequence[str]:
    """The addresses in the order the system prefers (RFC 6724); it is asked in another thread."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _heard(lookup: asyncio.Task[None]) -> None:
    """Everybody may have stopped waiting for the failure."""
    if not lookup.cancelled():
        lookup.exception()
