"""The event stream in Redis. Stream ids come from the server's clock: they order events and age them."""

from typing import Any

from redis.asyncio import Redis

from gateway.sessions.events import EventBatch, EventKind, RevocationEvent
from gateway.sessions.redis_link import RedisLink

_START = "0-0"
_KINDS = frozenset(kind.value for kind in EventKind)

Entry = tuple[bytes, dict[bytes, bytes]]


class RedisEvents:
    """Reads the stream; the scripts write it, in the same step as what the events tell of."""

    def __init__(self, link: RedisLink, stream: str, *, linger: int, batch: int) -> None:
        self._link = link
        self._stream = stream
        self._linger = linger
        self._count = batch

    async def tail(self) -> EventBatch:
        """See SessionStore.tail."""
        return await self._link.call(self._tail, again=True)

    async def after(self, cursor: str, wait: float) -> EventBatch:
        """See SessionStore.events_after."""

        async def read(client: Redis) -> EventBatch:
            entries = await self._read(client, cursor, wait)
            if entries:
                return _batch(entries)
            newest = await self._newest(client)
            # A server that restarted or failed over may have lost what the cursor stands on, and its clock
            # may be behind: its new events would never be seen.
            if _position(newest) < _position(cursor):
                return await self._tail(client)
            return EventBatch((), cursor)

        return await self._link.read(read, wait)

    async def _tail(self, client: Redis) -> EventBatch:
        seconds, micros = await client.time()
        oldest = seconds * 1000 + micros // 1000 - self._linger
        entries: Any = await client.xrange(self._stream, f"{oldest}-0", "+", count=self._count)
        return _batch(entries) if entries else EventBatch((), await self._newest(client))

    async def _read(self, client: Redis, cursor: str, wait: float) -> list[Entry]:
        # BLOCK 0 would wait for ever.
        block = max(1, round(wait * 1000)) if wait > 0 else None
        reply: Any = await client.xread({self._stream: cursor}, count=self._count, block=block)
        return reply[0][1] if reply else []

    async def _newest(self, client: Redis) -> str:
        entries: Any = await client.xrevrange(self._stream, "+", "-", count=1)
        return str(entries[0][0].decode()) if entries else _START


def _position(cursor: str) -> tuple[int, int]:
    milliseconds, _, number = cursor.partition("-")
    return int(milliseconds), int(number)


def _batch(entries: list[Entry]) -> EventBatch:
    events = (_event(fields) for _, fields in entries)
    return EventBatch(tuple(event for event in events if event is not None), entries[-1][0].decode())


def _event(fields: dict[bytes, bytes]) -> RevocationEvent | None:
    """None for a kind that a newer gateway on the same store may have written."""
    kind = fields[b"k"].decode()
    if kind not in _KINDS:
        return None
    return RevocationEvent(EventKind(kind), fields[b"r"].decode(), fields[b"v"].decode(), int(fields[b"x"]))
