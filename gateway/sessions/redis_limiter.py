"""Rate limits in Redis: one script call for each decision, by the server's clock."""

from gateway.clock import Clock
from gateway.policy.rate import Rate
from gateway.sessions.redis_link import LuaScript, RedisLink
from gateway.sessions.window import Verdict, spans, verdict_of


class RedisLimiter:
    """The Limiter over Redis >= 6.2, apart from the session store's connections: a request does not wait long
    for a count. A key costs about 0.2 kB, at most 1.3 kB, and is gone one period after its last admission.

    `clock` replaces the server's TIME; `timeout` in seconds bounds every call.
    """

    def __init__(self, url: str, *, clock: Clock | None = None, timeout: float = 0.5, connections: int = 32) -> None:
        self._clock = clock
        self._link = RedisLink(url, timeout=timeout, connections=connections)
        self._script = LuaScript("", "")

    async def open(self) -> None:
        self._script = LuaScript.load("take", common=False)
        await self._link.open()

    async def close(self) -> None:
        await self._link.close()

    async def take(self, key: str, rate: Rate) -> Verdict:
        now = "" if self._clock is None else round(self._clock.now() * 1000)
        period, grain = spans(rate)
        # Never repeated: what was counted twice would be refused too early.
        allowed, used, reset, retry = await self._link.run(
            self._script, (f"gw:l:{key}",), (now, period, grain, rate.count)
        )
        return verdict_of(rate, allowed=bool(allowed), used=used, reset_ms=reset, retry_ms=retry)
