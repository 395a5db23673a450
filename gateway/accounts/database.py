"""The database behind the account store: opening it, reading, transactions, and what failure looks like."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Select, text
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.accounts.engines import reading_engine, writing_engine
from gateway.accounts.migrations import migrate
from gateway.clock import Clock
from gateway.databases import driver_url, is_sqlite, make_file
from gateway.errors import StoreUnavailable
from gateway.faults import Fault, Target, fault_of

_PAUSE = 0.05
_ABSENT = Fault("does not exist", "it is made by the first start of the gateway, and by `gateway users add`")
_T = TypeVar("_T")


@contextmanager
def failures_translated(url: URL) -> Iterator[None]:
    """Whatever keeps the database from answering is StoreUnavailable; a broken constraint stays itself."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeout, OSError) as error:
        target = Target(url.username or "", url.host or "", url.database or "")
        raise StoreUnavailable("accounts", *fault_of(error, target)) from error


class Database:
    """`patience` (seconds) bounds each wait: for a lock, a pooled connection, a connect, an answer.

    With `create` false an SQLite file that is not there is a failure too, instead of being made.
    """

    def __init__(self, url: str, *, clock: Clock, patience: float, create: bool = True) -> None:
        self._url = driver_url(url)
        self._clock = clock
        self._create = create
        self._patience = patience
        self._reads: AsyncEngine | None = None
        self._writes: AsyncEngine | None = None
        # The event loop keeps only weak references to tasks.
        self._running: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Make the file if there is none, bring the schema up to date; on failure nothing stays open."""
        if not self._create and is_sqlite(self._url) and not Path(self._url.database or "").is_file():
            raise StoreUnavailable("accounts", *_ABSENT)
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
        with failures_translated(self._url):
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
        with failures_translated(self._url):
            async with self._opened(self._writes).begin() as connection:
                return await work(connection)

    async def _prepare_file(self, engine: AsyncEngine) -> None:
        # The switch to WAL is kept in the file, and needs it alone: while another worker does the same SQLite
        # answers "busy" without waiting.
        deadline = self._clock.monotonic() + self._patience
        with failures_translated(self._url):
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
