"""Sessions in Redis: each step is one script call, and the script publishes what it changed."""

from collections.abc import Mapping
from typing import Any

from gateway.clock import Clock
from gateway.errors import Refusal
from gateway.reasons import Reason
from gateway.sessions.events import EventBatch, RevocationEvent
from gateway.sessions.family import Outcome, Presented
from gateway.sessions.redis_events import RedisEvents
from gateway.sessions.redis_health import settings_warnings
from gateway.sessions.redis_link import Argument, LuaScript, RedisLink
from gateway.sessions.store import NewSession, Rotation, SessionInfo

_SCRIPTS = ("create", "rotate", "end", "end_all", "list", "publish")
_FAMILIES = "gw:{0}:f:"
_EVENTS = "gw:{0}:events"
_PROBE = "gw:{0}:ping"
# A small hash stays compact while no value is longer; one long agent would double a session's memory.
_PIECE = 64
_PIECES = 4


class RedisSessionStore:
    """The SessionStore over Redis >= 6.2. Durations in seconds.

    Without a clock the server's own TIME is used, one clock for all workers. `timeout` bounds every call;
    `batch` is the most events read at once.
    """

    def __init__(
        self,
        url: str,
        *,
        access_ttl: float,
        idle_ttl: float,
        refresh_grace: float,
        max_per_user: int,
        clock: Clock | None = None,
        timeout: float = 2.0,
        connections: int = 32,
        batch: int = 1000,
    ) -> None:
        self._grace = round(refresh_grace * 1000)
        self._idle = round(idle_ttl * 1000)
        self._linger = round((access_ttl + 60) * 1000)
        self._most = max_per_user
        self._clock = clock
        self._link = RedisLink(url, timeout=timeout, connections=connections)
        self._events = RedisEvents(self._link, _EVENTS, linger=self._linger, batch=batch)
        self._scripts: Mapping[str, LuaScript] = {}

    async def open(self) -> None:
        self._scripts = {name: LuaScript.load(name) for name in _SCRIPTS}
        await self._link.open()

    async def close(self) -> None:
        await self._link.close()

    async def ping(self) -> None:
        # PING is answered by a replica and by a server that is full, too.
        await self._link.call(lambda client: client.set(_PROBE, "", px=1000), again=True)

    async def warnings(self) -> list[str]:
        return await self._link.call(settings_warnings, again=True)

    async def create(self, session: NewSession) -> tuple[str, ...]:
        reply = await self._run(
            "create",
            session.user_id,
            session.session_id,
            session.token_hash,
            session.user_epoch,
            session.created_at * 1000,
            session.expires_at * 1000,
            self._most,
            session.address,
            *_pieces(session.agent),
            again=True,
        )
        if reply == 0:
            raise Refusal(Reason.SESSION_ENDED)
        return tuple(session_id.decode() for session_id in reply)

    async def rotate(self, presented: Presented) -> Rotation:
        # Repeating is safe: a rotation whose answer was lost is found again as a replay of itself.
        outcome, rotated_at, deadline = await self._run(
            "rotate",
            presented.user_id,
            presented.session_id,
            presented.generation,
            presented.token_hash,
            presented.successor_hash,
            presented.user_epoch,
            self._grace,
            again=True,
        )
        return Rotation(Outcome(outcome.decode()), rotated_at // 1000, deadline // 1000)

    async def end(self, user_id: str, session_id: str) -> bool:
        return bool(await self._run("end", user_id, session_id))

    async def end_all(self, user_id: str, *, epoch: int, keep: str | None = None, older_only: bool = False) -> int:
        return int(await self._run("end_all", user_id, epoch, keep or "", "1" if older_only else ""))

    async def sessions_of(self, user_id: str) -> list[SessionInfo]:
        rows = await self._run("list", user_id, "", again=True)
        return [_info(user_id, *row) for row in rows]

    async def is_live(self, user_id: str, session_id: str) -> bool:
        return bool(await self._run("list", user_id, session_id, again=True))

    async def publish(self, event: RevocationEvent) -> None:
        # Not repeated: a role change sent twice could overtake a newer one.
        await self._run("publish", "", event.kind.value, event.ref, event.value)

    async def tail(self) -> EventBatch:
        return await self._events.tail()

    async def events_after(self, cursor: str, wait: float) -> EventBatch:
        return await self._events.after(cursor, wait)

    async def _run(self, script: str, user_id: str, *arguments: Argument, again: bool = False) -> Any:
        keys = (f"gw:{{0}}:u:{user_id}", _EVENTS, f"gw:{{0}}:e:{user_id}")
        now = "" if self._clock is None else round(self._clock.now() * 1000)
        common = (now, user_id, _FAMILIES, self._idle, self._linger)
        return await self._link.run(self._scripts[script], keys, (*common, *arguments), again=again)


def _pieces(agent: str) -> list[bytes]:
    data = agent.encode(errors="replace")
    return [data[start : start + _PIECE] for start in range(0, _PIECE * _PIECES, _PIECE)]


def _info(user_id: str, session_id: bytes, flat: list[bytes], deadline: int) -> SessionInfo:
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    agent = b"".join(fields.get(name, b"") for name in (b"a1", b"a2", b"a3", b"a4"))
    return SessionInfo(
        session_id=session_id.decode(),
        user_id=user_id,
        created_at=int(fields[b"n"]) // 1000,
        last_used_at=int(fields[b"r"]) // 1000,
        expires_at=deadline // 1000,
        agent=agent.decode(errors="replace"),
        address=fields[b"i"].decode(errors="replace"),
    )
