"""Session stores and tokens for tests, with short lifetimes."""

from gateway.clock import Clock
from gateway.sessions.family import Lifetimes
from gateway.sessions.redis_store import RedisSessionStore
from gateway.sessions.sql_store import SqlSessionStore
from gateway.sessions.store import NewSession, Presented, SessionStore

ACCESS_TTL = 86_400.0
IDLE_TTL = 600.0
ABSOLUTE_TTL = 1_500
GRACE = 10.0
MAX_PER_USER = 3
BATCH = 50
LIFETIMES = Lifetimes(grace=10_000, idle=600_000, linger=86_460_000)


def make_store(url: str, clock: Clock, *, access_ttl: float = ACCESS_TTL) -> SessionStore:
    """The store for the URL, by `clock` also on Redis, with the lifetimes of this module."""
    if url.startswith("redis"):
        return RedisSessionStore(
            url,
            access_ttl=access_ttl,
            idle_ttl=IDLE_TTL,
            refresh_grace=GRACE,
            max_per_user=MAX_PER_USER,
            clock=clock,
            batch=BATCH,
        )
    return SqlSessionStore(
        url,
        access_ttl=access_ttl,
        idle_ttl=IDLE_TTL,
        refresh_grace=GRACE,
        max_per_user=MAX_PER_USER,
        clock=clock,
        batch=BATCH,
    )


def new_session(
    clock: Clock, session_id: str = "s1", user_id: str = "u1", *, epoch: int = 0, agent: str = "Firefox"
) -> NewSession:
    """A session whose token of generation n has the hash `token_hash(session_id, n)`."""
    now = int(clock.now())
    return NewSession(
        user_id=user_id,
        session_id=session_id,
        token_hash=token_hash(session_id, 0),
        user_epoch=epoch,
        created_at=now,
        expires_at=now + ABSOLUTE_TTL,
        agent=agent,
        address="203.0.113.7",
    )


def token_hash(session_id: str, generation: int) -> str:
    """64 characters, as of a SHA-256."""
    return f"{session_id}.{generation}.".ljust(64, "0")[:64]


def presented(
    generation: int,
    session_id: str = "s1",
    user_id: str = "u1",
    *,
    epoch: int = 0,
    digest: str | None = None,
) -> Presented:
    """The session's token of that generation, or one with another hash."""
    return Presented(
        user_id=user_id,
        session_id=session_id,
        generation=generation,
        token_hash=digest or token_hash(session_id, generation),
        successor_hash=token_hash(session_id, generation + 1),
        user_epoch=epoch,
    )
