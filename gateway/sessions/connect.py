"""The store that a URL asks for."""

from gateway.clock import Clock
from gateway.sessions.redis_store import RedisSessionStore
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
    scheme = url.partition("://")[0].partition("+")
    if scheme[0] in _REDIS and not scheme[1]:
        return RedisSessionStore(
            url,
            access_ttl=access_ttl,
            idle_ttl=idle_ttl,
            refresh_grace=refresh_grace,
            max_per_user=max_per_user,
        )
    if scheme[0] in _SQL:
        return SqlSessionStore(
            url,
            access_ttl=access_ttl,
            idle_ttl=idle_ttl,
            refresh_grace=refresh_grace,
            max_per_user=max_per_user,
            clock=clock,
        )
    raise ValueError(f"no session store for {scheme[0]!r} URLs")
