"""Engines for the accounts database: every wait bounded, SQLite's one writer queued for in order."""

from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.databases import is_sqlite


def reading_engine(url: URL, patience: float) -> AsyncEngine:
    """For single statements: no transaction around them, so no round trips for BEGIN and ROLLBACK."""
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    if not is_sqlite(url):
        return create_async_engine(url, **_postgres(patience), **options)
    engine = create_async_engine(url, pool_timeout=patience, **options)
    _prepare_sqlite(engine, patience)
    return engine


def writing_engine(url: URL, patience: float) -> AsyncEngine:
    """For transactions. A pooled connection that the server closed is found out before it is used.

    SQLite has one writer at a time anyway: one connection, so that our own writers queue for it in order
    instead of polling the file lock.
    """
    if not is_sqlite(url):
        return create_async_engine(url, pool_pre_ping=True, **_postgres(patience))
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=patience)
    _prepare_sqlite(engine, patience)
    event.listen(engine.sync_engine, "begin", _begin_immediate)
    return engine


def _postgres(patience: float) -> dict[str, Any]:
    return {
        "pool_timeout": patience,
        "connect_args": {"timeout": patience, "command_timeout": patience},
    }


def _prepare_sqlite(engine: AsyncEngine, patience: float) -> None:
    def prepare(connection: Any, _record: object) -> None:
        # The driver must not send BEGIN by itself: it would do so too late (before the first write only).
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        # WAL with less than FULL may lose acknowledged transactions when the power goes.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later can fail with SQLITE_BUSY at once, whatever the
    # busy timeout (https://www.sqlite.org/isolation.html); taking the write lock first cannot.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
