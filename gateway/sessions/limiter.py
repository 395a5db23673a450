"""Counting how often something happens, for route limits and for the throttles of sign-in."""

import hashlib
import logging
from collections import OrderedDict
from typing import Final, Protocol

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.policy.rate import Rate
from gateway.sessions.window import Verdict, Window

_MOST_KEYS: Final = 10_000
_PAUSE: Final = 1.0

logger = logging.getLogger("gateway")


class Limiter(Protocol):
    """Counts by key, with the sliding window of `gateway.sessions.window`."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def take(self, key: str, rate: Rate) -> Verdict:
        """Admit one for the key and count it, or refuse it; one atomic step.

        StoreUnavailable("sessions") from one that asks a store; `FallbackLimiter` never raises it.
        """
        ...


def limit_key(*parts: str) -> str:
    """One short key for what is counted: no part can pass for another, and none is kept in the clear."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


class LocalLimiter:
    """Counts in this process, up to `most` keys; the least recently counted is forgotten first."""

    def __init__(self, clock: Clock, *, most: int = _MOST_KEYS) -> None:
        self._clock = clock
        self._most = most
        self._windows: OrderedDict[str, Window] = OrderedDict()

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        self._windows.clear()

    async def take(self, key: str, rate: Rate) -> Verdict:
        window = self._windows.pop(key, None) or Window()
        self._windows[key] = window
        if len(self._windows) > self._most:
            self._windows.popitem(last=False)
        return window.take(rate, round(self._clock.monotonic() * 1000))


class FallbackLimiter:
    """Counts in the shared store, and in this process while the store cannot be asked: a limit is never the
    reason for a failed request.

    Then every worker admits the whole limit for itself. `pause` in seconds is how often the store is tried
    again, by one request; the others do not wait for it.
    """

    def __init__(self, shared: Limiter, local: Limiter, clock: Clock, *, pause: float = _PAUSE) -> None:
        self._shared = shared
        self._local = local
        self._clock = clock
        self._pause = pause
        self._opened = False
        self._away = False
        self._trying = False
        self._next_try = 0.0

    async def open(self) -> None:
        await self._local.open()
        try:
            await self._open_shared()
        except StoreUnavailable:
            self._lost()

    async def close(self) -> None:
        await self._shared.close()
        await self._local.close()

    async def take(self, key: str, rate: Rate) -> Verdict:
        if self._away and (self._trying or self._clock.monotonic() < self._next_try):
            return await self._local.take(key, rate)
        self._trying = True
        try:
            await self._open_shared()
            verdict = await self._shared.take(key, rate)
        except StoreUnavailable:
            self._lost()
            return await self._local.take(key, rate)
        finally:
            self._trying = False
        self._found()
        return verdict

    async def _open_shared(self) -> None:
        if not self._opened:
            await self._shared.open()
            self._opened = True

    def _lost(self) -> None:
        self._next_try = self._clock.monotonic() + self._pause
        if not self._away:
            self._away = True
            logger.warning("the session store does not answer: each worker counts rate limits for itself")

    def _found(self) -> None:
        if self._away:
            self._away = False
            logger.warning("the session store answers: rate limits are shared again")
