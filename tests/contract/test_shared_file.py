"""Accounts and sessions in one SQLite file, and other programs that come and go."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from gateway.accounts.store import AccountStore
from gateway.clock import SystemClock
from tests.support.session_stores import make_store, new_session

VISIT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM users").fetchall()
connection.close()
"""


async def test_a_visitor_that_closes_the_file_does_not_take_the_log_along(tmp_path: Path) -> None:
    """SQLite deletes the log when the last program closes the file: whether it is the last, locks tell."""
    file = tmp_path / "gateway.db"
    clock = SystemClock()
    accounts = AccountStore(f"sqlite:///{file}", clock=clock)
    sessions = make_store(f"sqlite:///{file}", clock)
    await accounts.open()
    await sessions.open()
    try:
        log = Path(f"{file}-wal").stat().st_ino
        visitor = await asyncio.create_subprocess_exec(sys.executable, "-c", VISIT, file)
        assert await visitor.wait() == 0
        assert Path(f"{file}-wal").stat().st_ino == log
        await sessions.create(new_session(clock))
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT count(*) FROM session_families").fetchone() == (1,)
    finally:
        await sessions.close()
        await accounts.close()
