"""The wire to SQLite or PostgreSQL: engines, transactions, locks, one error for all failures."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import URL, event, func, select
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.databases import driver_url, is_sqlite, make_file
from gateway.errors import StoreUnavailable
from gateway.faults import Fault, Target, fault_of
from gateway.sessions.sql_schema import metadata

# First words of the advisory locks, "sess": what else locks in this database does not meet them.
_LOCKS = 0x73657373
_SCHEMA, _EVENTS = 1, 2
_OPEN_ATTEMPTS = 5

T = TypeVar("T")


class SqlLink:
    """Engines for one database. Failures of the database are StoreUnavailable("sessions").

    SQLite has one writer at a time, so it gets one connection that writes and begins with BEGIN IMMEDIATE;
    tasks wait for it in order, other processes by busy_timeout. `timeout` in seconds bounds each statement.
    A link that is not `durable` may lose its last commits in a power cut, and waits for no disk.
    """

    def __init__(self, url: str, *, timeout: float, connections: int = 10, durable: bool = True) -> None:
        self._url = driver_url(url)
        self._timeout = timeout
        self._connections = connections
        self._durable = durable
        self._writer: AsyncEngine | None = None
        self._reader: AsyncEngine | None = None
        # The loop itself keeps only weak references to tasks.
        self._running: set[asyncio.Task[Any]] = set()
        self.is_sqlite = is_sqlite(self._url)

    async def open(self) -> None:
        """Make the engines and the tables, also when several workers do so at once."""
        if self.is_sqlite:
            async with _failures(self._url):
                await asyncio.to_thread(make_file, self._url)
            self._writer = self._sqlite_engine(writes=True)
            self._reader = self._sqlite_engine(writes=False)
        else:
            self._writer = self._postgres_engine()
            self._reader = self._writer.execution_options(isolation_level="AUTOCOMMIT")
        await self._make_tables()

    async def close(self) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)
        for engine in (self._writer, self._reader):
            if engine is not None:
                await engine.dispose()
        self._writer = self._reader = None

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do `work` in one transaction: committed at the end, or rolled back when it raises."""

        async def transaction() -> T:
            async with _failures(self._url), _open_engine(self._writer).begin() as connection:
                return await work(connection)

        return await self._finish(transaction())

    async def read(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do `work`, single SELECTs, outside any transaction."""

        async def reading() -> T:
            async with _failures(self._url), _open_engine(self._reader).connect() as connection:
                return await work(connection)

        return await self._finish(reading())

    async def _finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the work end also when the caller is cancelled: a client that hangs up would otherwise cost the
        connection, which cannot be used again after a statement was torn off."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def lock_user(self, connection: AsyncConnection, user_id: str) -> None:
        """Until the transaction ends, no other one of this user's that asks for the same goes on."""
        await self._lock(connection, func.hashtext(user_id))

    async def lock_events(self, connection: AsyncConnection) -> None:
        """Taken last in a transaction: events then become visible in the order of their ids."""
        await self._lock(connection, _EVENTS)

    async def _lock(self, connection: AsyncConnection, what: Any) -> None:
        if not self.is_sqlite:
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCKS, what)))

    async def _make_tables(self) -> None:
        for attempt in range(1, _OPEN_ATTEMPTS + 1):
            try:
                await self.write(self._create_all)
                return
            except StoreUnavailable:
                # The switch to WAL needs the file alone, and SQLite does not wait for that.
                if not self.is_sqlite or attempt == _OPEN_ATTEMPTS:
                    raise
                await asyncio.sleep(0.1 * attempt)

    async def _create_all(self, connection: AsyncConnection) -> None:
        await self._lock(connection, _SCHEMA)
        await connection.run_sync(metadata.create_all)

    def _postgres_engine(self) -> AsyncEngine:
        return create_async_engine(
            self._url,
            pool_size=self._connections,
            max_overflow=self._connections,
            pool_timeout=self._timeout,
            pool_pre_ping=True,
            connect_args={
                "timeout": self._timeout,
                "command_timeout": self._timeout,
                "server_settings": {} if self._durable else {"synchronous_commit": "off"},
            },
        )

    def _sqlite_engine(self, *, writes: bool) -> AsyncEngine:
        engine = create_async_engine(
            self._url, pool_size=1 if writes else 4, max_overflow=0, pool_timeout=self._timeout
        )
        busy = round(self._timeout * 1000)

        @event.listens_for(engine.sync_engine, "connect")
        def prepare(connection: Any, _record: object) -> None:
            # The driver must not begin transactions by itself.
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {busy}")
            cursor.execute("PRAGMA journal_mode = WAL")
            # An ended session must stay ended after a power cut, too.
            cursor.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
            cursor.close()

        if writes:

            @event.listens_for(engine.sync_engine, "begin")
            def begin(connection: Any) -> None:
                # One that reads first and then writes could not be upgraded; this one waits its turn.
                connection.exec_driver_sql("BEGIN IMMEDIATE")

        return engine


def _open_engine(engine: AsyncEngine | None) -> AsyncEngine:
    if engine is None:
        raise StoreUnavailable("sessions")
    return engine


@asynccontextmanager
async def _failures(url: URL) -> AsyncIterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeoutError, OSError, TimeoutError) as error:
        fault = fault_of(error, Target(url.username or "", url.host or "", url.database or ""))
        if isinstance(error, ProgrammingError) and fault == Fault():
            raise  # A defect of ours, not a state of the database.
        raise StoreUnavailable("sessions", *fault) from error
