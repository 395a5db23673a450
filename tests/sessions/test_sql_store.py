"""What is special about SQL: pruning, durability, locks, restarts."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.clock import ManualClock, SystemClock
from gateway.errors import StoreUnavailable
from gateway.sessions.sql_events import SqlEvents
from gateway.sessions.sql_link import SqlLink
from gateway.sessions.sql_store import SqlSessionStore
from gateway.sessions.store import EventKind, Outcome, RevocationEvent
from tests.support.postgres_server import PostgresServer
from tests.support.session_stores import IDLE_TTL, LIFETIMES, make_store, new_session, presented

ROOT = Path(__file__).parents[2]
WRITER = """
import asyncio, sys
from gateway.clock import SystemClock
from tests.support.session_stores import make_store, new_session, presented

async def main(url):
    clock = SystemClock()
    store = make_store(url, clock)
    await store.open()
    await store.create(new_session(clock))
    for generation in range(10_000):
        await store.rotate(presented(generation))
        print(generation, flush=True)

asyncio.run(main(sys.argv[1]))
"""


async def test_what_was_acknowledged_survives_the_kill_of_the_writer(database_url: str) -> None:
    acknowledged = await asyncio.to_thread(_kill_a_writer, database_url)
    store = make_store(database_url, SystemClock())
    await store.open()
    # The writer may have committed one more rotation that it could not tell of.
    outcome = (await store.rotate(presented(acknowledged + 1))).outcome
    assert outcome in (Outcome.ROTATED, Outcome.REPLAYED)
    assert (await store.rotate(presented(acknowledged + 2))).outcome is Outcome.ROTATED
    await store.close()


async def test_what_has_expired_is_deleted_a_little_at_each_login(sqlite_url: str) -> None:
    clock = ManualClock()
    store = make_store(sqlite_url, clock)
    await store.open()
    for number in range(60):
        await store.create(new_session(clock, f"s{number}", f"u{number}"))
        await store.end_all(f"u{number}", epoch=1)
    clock.advance(IDLE_TTL + LIFETIMES.linger / 1000)
    counts = []
    for number in range(2):
        await store.create(new_session(clock, f"t{number}", f"v{number}"))
        counts.append(_rows(sqlite_url))
    assert counts == [(11, 10, 10), (2, 0, 0)]
    await store.close()


async def test_event_ids_are_not_given_twice_after_pruning(sqlite_url: str) -> None:
    clock = ManualClock()
    store = make_store(sqlite_url, clock)
    await store.open()
    await store.publish(RevocationEvent(EventKind.USER_DISABLED, "u1"))
    cursor = (await store.tail()).cursor
    clock.advance(LIFETIMES.linger / 1000)
    await store.create(new_session(clock))
    await store.publish(RevocationEvent(EventKind.USER_DISABLED, "u2"))
    assert [event.ref for event in (await store.events_after(cursor, 0)).events] == ["u2"]
    await store.close()


async def test_event_expiry_never_goes_back_when_a_clock_does(database_url: str) -> None:
    ahead, behind = ManualClock(2_000_000_000), ManualClock(1_999_999_000)
    stores = [make_store(database_url, clock) for clock in (ahead, behind)]
    for store, role in zip(stores, ("admin", "user"), strict=True):
        await store.open()
        await store.publish(RevocationEvent(EventKind.ROLE_CHANGED, "u1", role))
    first, second = (await stores[0].tail()).events
    assert (first.value, second.value) == ("admin", "user")
    assert second.expires_at == first.expires_at
    for store in stores:
        await store.close()


async def test_an_event_is_not_seen_before_one_with_a_lower_id(database_url: str) -> None:
    """A cursor would pass over the one that is committed later."""
    first, second = (RevocationEvent(EventKind.USER_DISABLED, user) for user in ("u1", "u2"))
    store = make_store(database_url, SystemClock())
    await store.open()
    cursor = (await store.tail()).cursor
    link = SqlLink(database_url, timeout=5)
    await link.open()
    written, go_on = asyncio.Event(), asyncio.Event()

    async def write_slowly(connection: AsyncConnection) -> None:
        await SqlEvents(link, lambda: 0, batch=10).write(connection, [first])
        written.set()
        await go_on.wait()

    slow = asyncio.create_task(link.write(write_slowly))
    await written.wait()
    quick = asyncio.create_task(store.publish(second))
    await asyncio.sleep(0.2)
    assert (await store.events_after(cursor, 0)).events == ()
    go_on.set()
    await asyncio.gather(slow, quick)
    assert [event.ref for event in (await store.events_after(cursor, 0)).events] == ["u1", "u2"]
    await link.close()
    await store.close()


async def test_a_database_locked_by_another_process_is_unavailable(sqlite_url: str) -> None:
    store = _impatient(sqlite_url)
    await store.open()
    await store.create(new_session(SystemClock()))
    with closing(sqlite3.connect(_path(sqlite_url), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as unavailable:
            await store.rotate(presented(0))
        assert unavailable.value.store == "sessions"
        assert await store.is_live("u1", "s1")
        other.execute("ROLLBACK")
    assert (await store.rotate(presented(0))).outcome is Outcome.ROTATED
    await store.close()


async def test_sqlite_waits_for_a_short_lock(sqlite_url: str) -> None:
    store = make_store(sqlite_url, SystemClock())
    await store.open()
    await store.create(new_session(SystemClock()))
    with closing(sqlite3.connect(_path(sqlite_url), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.rotate(presented(0)))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        other.execute("ROLLBACK")
        assert (await waiting).outcome is Outcome.ROTATED
    await store.close()


async def test_the_sqlite_file_is_durable_and_shared(sqlite_url: str) -> None:
    store = make_store(sqlite_url, SystemClock())
    await store.open()
    with closing(sqlite3.connect(_path(sqlite_url))) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    await store.close()


async def test_the_folder_of_the_sqlite_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///data/here/gateway.db", f"sqlite:///{tmp_path}/there/gateway.db"):
        store = make_store(url, SystemClock())
        await store.open()
        await store.close()
    assert (tmp_path / "data/here/gateway.db").exists()
    assert (tmp_path / "there/gateway.db").exists()


async def test_a_session_older_than_the_epoch_remembered_is_not_live(tmp_path: Path) -> None:
    store = make_store(f"sqlite:///{tmp_path}/gateway.db", SystemClock())
    await store.open()
    await store.create(new_session(SystemClock(), "s1", epoch=1))
    await store.create(new_session(SystemClock(), "s2", epoch=2))
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as connection:
        connection.execute("INSERT INTO session_epochs (user_id, epoch, purge_at) VALUES ('u1', 2, 1)")
        connection.commit()
    assert [await store.is_live("u1", session_id) for session_id in ("s1", "s2")] == [False, True]
    assert [info.session_id for info in await store.sessions_of("u1")] == ["s2"]
    await store.close()


async def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    store = make_store(f"sqlite:///{tmp_path}/new/gateway.db", SystemClock())
    umask = os.umask(0o022)
    try:
        await store.open()
        await store.create(new_session(SystemClock()))
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    finally:
        os.umask(umask)
        await store.close()
    assert modes == {"gateway.db": 0o600, "gateway.db-wal": 0o600, "gateway.db-shm": 0o600}


async def test_sessions_survive_a_restart_of_postgresql(postgres_server: PostgresServer, postgres_url: str) -> None:
    store = make_store(postgres_url, SystemClock())
    await store.open()
    await store.create(new_session(SystemClock()))
    await store.rotate(presented(0))
    postgres_server.stop()
    try:
        with pytest.raises(StoreUnavailable):
            await store.rotate(presented(1))
        with pytest.raises(StoreUnavailable):
            await store.ping()
        with pytest.raises(StoreUnavailable):
            await store.events_after("0", 0)
    finally:
        postgres_server.start()
    assert (await store.rotate(presented(1))).outcome is Outcome.ROTATED
    await store.close()


async def test_a_database_that_is_not_there_is_unavailable(postgres_url: str) -> None:
    store = _impatient(postgres_url + "_not")
    with pytest.raises(StoreUnavailable):
        await store.open()
    await store.close()


async def test_before_it_is_opened_the_store_is_unavailable(sqlite_url: str) -> None:
    with pytest.raises(StoreUnavailable):
        await make_store(sqlite_url, SystemClock()).ping()


def _kill_a_writer(url: str) -> int:
    """The last generation that a process acknowledged before SIGKILL."""
    command = [sys.executable, "-c", WRITER, url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        first = [writer.stdout.readline() for _ in range(20)]
        writer.kill()
        rest = writer.stdout.read().split()
    return int([*first, *rest][-1])


def _impatient(url: str) -> SqlSessionStore:
    return SqlSessionStore(
        url,
        access_ttl=600,
        idle_ttl=600,
        refresh_grace=10,
        max_per_user=3,
        clock=SystemClock(),
        timeout=0.2,
    )


def _path(url: str) -> str:
    return url.removeprefix("sqlite:///")


def _rows(url: str) -> tuple[int, ...]:
    tables = ("session_families", "session_events", "session_epochs")
    with closing(sqlite3.connect(_path(url))) as connection:
        return tuple(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)  # noqa: S608
