"""The store that a URL asks for, and the limiter that counts there."""

from gateway.clock import Clock
from gateway.sessions.limiter import FallbackLimiter, Limiter, LocalLimiter
from gateway.sessions.redis_limiter import RedisLimiter
from gateway.sessions.redis_store import RedisSessionStore
from gateway.sessions.sql_limiter import SqlLimiter
from gateway.sessions.sql_store import SqlSessionStore
from gateway.sessions.store import SessionStore

_REDIS = ("redis", "rediss")
_SQL = ("sqlite", "postgresql", "postgres")


def make_store(
    url: str,
    *,
    access_ttl: float,
    idle_ttl: float,
    refresh_grace: float,
    max_per_user: int,
    clock: Clock,
) -> SessionStore:
    """The store for `redis`, `rediss`, `sqlite` or `postgresql` URLs; durations in seconds.

    ValueError for any other scheme. A Redis store goes by the server's clock, which all workers share.
    """
    if _family(url) == "redis":
        return RedisSessionStore(
            url,
            access_ttl=access_ttl,
            idle_ttl=idle_ttl,
            refresh_grace=refresh_grace,
            max_per_user=max_per_user,
        )
    return SqlSessionStore(
        url,
        access_ttl=access_ttl,
        idle_ttl=idle_ttl,
        refresh_grace=refresh_grace,
        max_per_user=max_per_user,
        clock=clock,
    )


def make_limiter(url: str, *, clock: Clock) -> Limiter:
    """Counts where the sessions of the URL are, and in this process while that is away."""
    shared: Limiter = RedisLimiter(url) if _family(url) == "redis" else SqlLimiter(url, clock=clock)
    return FallbackLimiter(shared, LocalLimiter(clock), clock)


def _family(url: str) -> str:
    scheme, _, driver = url.partition("://")[0].partition("+")
    if scheme in _REDIS and not driver:
        return "redis"
    if scheme in _SQL:
        return "sql"
    raise ValueError(f"no session store for {scheme!r} URLs")
