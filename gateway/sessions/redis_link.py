"""The wire to Redis: a pool that waits, a limit on every call, scripts by digest, one error for failures."""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from gateway.errors import StoreUnavailable
from gateway.sessions.redis_faults import redis_fault

_ATTEMPTS = 3
_FIRST_PAUSE = 0.05

Argument = str | bytes | int
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LuaScript:
    """A script's text and the SHA-1 that Redis knows it by (an identifier, not a safeguard)."""

    text: str
    digest: str

    @classmethod
    def load(cls, name: str, *, common: bool = True) -> "LuaScript":
        """Read `name`.lua of this package, by default with common.lua before it."""
        folder = files(__package__)
        names = ("common", name) if common else (name,)
        text = "".join(folder.joinpath(f"{each}.lua").read_text() for each in names)
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class RedisLink:
    """Clients for one Redis. Failures are StoreUnavailable("sessions"), at the latest after `timeout` s.

    That is every RedisError: READONLY, LOADING, OOM and MISCONF too mean that it cannot do its work now.
    """

    def __init__(
        self, url: str, *, timeout: float, connections: int, jitter: Callable[[], float] | None = None
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._connections = connections
        self._jitter = jitter or secrets.SystemRandom().random
        self._client: Redis | None = None
        self._reader: Redis | None = None

    async def open(self) -> None:
        self._client = self._make_client(self._connections, self._timeout)
        # A blocking read takes as long as it was told to, so its limit is set for each call.
        self._reader = self._make_client(1, None)

    async def close(self) -> None:
        for client in (self._client, self._reader):
            if client is not None:
                await client.aclose()
        self._client = self._reader = None

    async def run(
        self,
        script: LuaScript,
        keys: tuple[str, ...],
        arguments: tuple[Argument, ...],
        *,
        again: bool = False,
    ) -> Any:
        """Run the script. `again` says that it may be repeated when the connection broke before an answer."""

        async def once(client: Redis) -> Any:
            try:
                return await client.evalsha(script.digest, len(keys), *keys, *arguments)
            except NoScriptError:
                # A restart or a fail-over empties the script cache; EVAL fills it again.
                return await client.eval(script.text, len(keys), *keys, *arguments)

        return await self.call(once, again=again)

    async def call(self, work: Callable[[Redis], Awaitable[T]], *, again: bool = False) -> T:
        """Let `work` speak with Redis on a pooled connection."""
        attempts = _ATTEMPTS if again else 1
        return await self._guard(lambda: self._attempt(work, attempts), self._timeout)

    async def read(self, work: Callable[[Redis], Awaitable[T]], wait: float) -> T:
        """Let `work` block for `wait` seconds on the connection kept for that."""
        reader = self._reader
        if reader is None:
            raise StoreUnavailable("sessions")
        return await self._guard(lambda: work(reader), wait + self._timeout)

    async def _attempt(self, work: Callable[[Redis], Awaitable[T]], attempts: int) -> T:
        if self._client is None:
            raise StoreUnavailable("sessions")
        for failures in range(1, attempts):
            try:
                return await work(self._client)
            except RedisConnectionError:
                await asyncio.sleep(_FIRST_PAUSE * 2**failures * (0.5 + self._jitter() / 2))
        return await work(self._client)

    async def _guard(self, work: Callable[[], Awaitable[T]], limit: float) -> T:
        try:
            async with asyncio.timeout(limit):
                return await work()
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable("sessions", *redis_fault(error, self._url)) from error

    def _make_client(self, connections: int, timeout: float | None) -> Redis:
        pool = BlockingConnectionPool.from_url(
            self._url,
            max_connections=connections,
            timeout=self._timeout,
            socket_timeout=timeout,
            socket_connect_timeout=self._timeout,
            socket_keepalive=True,
            # Whether a command may be repeated is known here, not in the pool.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        return Redis.from_pool(pool)
