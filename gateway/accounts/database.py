"""The database behind the account store: opening it, reading, transactions, and what failure looks like."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Select, text
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.accounts.engines import driver_url, is_sqlite, make_file, reading_engine, writing_engine
from gateway.accounts.migrations import migrate
from gateway.clock import Clock
from gateway.errors import StoreUnavailable

_PAUSE = 0.05
_T = TypeVar("_T")


@contextmanager
def failures_translated() -> Iterator[None]:
    """Whatever keeps the database from answering is StoreUnavailable; a broken constraint stays itself."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeout, OSError) as error:
        raise StoreUnavailable("accounts") from error


class Database:
    """`patience` (seconds) bounds each wait: for a lock, a pooled connection, a connect, an answer."""

    def __init__(self, url: str, *, clock: Clock, patience: float) -> None:
        self._url = driver_url(url)
        self._clock = clock
        self._patience = patience
        self._reads: AsyncEngine | None = None
        self._writes: AsyncEngine | None = None
        # The event loop keeps only weak references to tasks.
        self._running: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Make the file if there is none, bring the schema up to date; on failure nothing stays open."""
        self._reads = reading_engine(self._url, self._patience)
        self._writes = writing_engine(self._url, self._patience)
        try:
            if is_sqlite(self._url):
                await self._prepare_file(self._reads)
            await self.write(lambda connection: migrate(connection, int(self._clock.now())))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)
        for engine in (self._reads, self._writes):
            if engine is not None:
                await engine.dispose()
        self._reads = self._writes = None

    async def read(self, query: Select[*tuple[object, ...]]) -> list[RowMapping]:
        """All rows of one query. A pooled connection that the server had closed is replaced, once."""
        return await self._finish(self._read_twice(query))

    async def write(self, work: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        """Do `work` in one transaction, rolled back when it raises. IntegrityError comes through."""
        return await self._finish(self._write(work))

    async def _finish(self, work: Coroutine[Any, Any, _T]) -> _T:
        # Goes on when the caller is cancelled because its client hung up: a statement that is torn off costs
        # the connection, and on SQLite leaves the write lock held until the connection is garbage.
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _read_twice(self, query: Select[*tuple[object, ...]]) -> list[RowMapping]:
        with failures_translated():
            try:
                return await self._read(query)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return await self._read(query)

    async def _read(self, query: Select[*tuple[object, ...]]) -> list[RowMapping]:
        async with self._opened(self._reads).connect() as connection:
            return list((await connection.execute(query)).mappings())

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        with failures_translated():
            async with self._opened(self._writes).begin() as connection:
                return await work(connection)

    async def _prepare_file(self, engine: AsyncEngine) -> None:
        # The switch to WAL is kept in the file, and needs it alone: while another worker does the same SQLite
        # answers "busy" without waiting.
        deadline = self._clock.monotonic() + self._patience
        with failures_translated():
            await asyncio.to_thread(make_file, self._url)
            while True:
                try:
                    async with engine.connect() as connection:
                        await connection.execute(text("PRAGMA journal_mode = WAL"))
                    return
                except OperationalError:
                    if self._clock.monotonic() > deadline:
                        raise
                await asyncio.sleep(_PAUSE)

    @staticmethod
    def _opened(engine: AsyncEngine | None) -> AsyncEngine:
        if engine is None:
            raise StoreUnavailable("accounts")
        return engine
