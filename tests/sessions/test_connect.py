"""Which store a URL asks for."""

import pytest

from gateway.clock import SystemClock
from gateway.sessions.connect import make_store
from gateway.sessions.redis_store import RedisSessionStore
from gateway.sessions.sql_store import SqlSessionStore
from gateway.sessions.store import SessionStore


def _make(url: str) -> SessionStore:
    return make_store(url, access_ttl=1800, idle_ttl=600, refresh_grace=10, max_per_user=10, clock=SystemClock())


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://localhost:6379/0", RedisSessionStore),
        ("rediss://user:pw@redis.example:6380/1", RedisSessionStore),
        ("sqlite:///data/gateway.db", SqlSessionStore),
        ("postgresql://user:pw@db.example/gateway", SqlSessionStore),
        ("postgres://user:pw@db.example/gateway", SqlSessionStore),
    ],
)
def test_the_scheme_decides(url: str, kind: type[SessionStore]) -> None:
    assert type(_make(url)) is kind


@pytest.mark.parametrize("url", ["mysql://root:hunter2@db/x", "redis+cluster://:hunter2@a,b", "data/gateway.db", ""])
def test_other_urls_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(ValueError, match="no session store") as refused:
        _make(url)
    assert "hunter2" not in str(refused.value)
