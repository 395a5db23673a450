"""A real PostgreSQL server on a free loopback port, with throw-away data; it trusts all but the user `guarded`."""

import asyncio
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.ports import free_port

_START_SECONDS = 60.0


def find_postgres() -> Path | None:
    """The folder with `initdb` and `postgres`: that of PATH, else the newest of Debian's."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(debian, key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or "0"), default=None)
    return newest.parent if newest else None


def unprivileged() -> dict[str, Any]:
    """Arguments for `subprocess` that leave root behind: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("no unprivileged user to run PostgreSQL as")


class PostgresServer:
    """One cluster in a folder of its own under /tmp (other users cannot enter the folders pytest makes)."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._identity = unprivileged()
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Returns once the server takes connections; the first start makes the cluster."""
        directory = self._directory or self._make_cluster()
        arguments = [self._binaries / "postgres", "-D", directory, "-p", str(self.port)]
        options = ["-clisten_addresses=127.0.0.1", "-cunix_socket_directories=", "-cfsync=off"]
        tuning = ["-cfull_page_writes=off", "-cmax_connections=200", "-cshared_buffers=32MB"]
        self._process = self._spawn([*map(str, arguments), *options, *tuning])
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not start")
            time.sleep(0.05)

    def stop(self) -> None:
        """Fast shutdown: clients are cut off, committed work is kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_START_SECONDS)
            self._process = None

    def restart(self) -> None:
        """Fast shutdown and a new start on the same port with the same data."""
        self.stop()
        self.start()

    def discard(self) -> None:
        """Stop and delete the cluster."""
        self.stop()
        if self._directory is not None:
            shutil.rmtree(self._directory)

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside any transaction; usable with and without a running event loop."""
        _run_aside(self._execute(statement, database))

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The URL of a new, empty database, dropped afterwards whoever is still connected."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _execute(self, statement: str, database: str) -> None:
        url = make_url(self.url(database)).set(drivername="postgresql+asyncpg")
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement))
        finally:
            await engine.dispose()

    def _make_cluster(self) -> Path:
        directory = Path(tempfile.mkdtemp(prefix="gateway-postgres-"))
        if self._identity:
            os.chown(directory, self._identity["user"], self._identity["group"])
        self._directory = directory
        words = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        initdb = self._spawn([str(self._binaries / "initdb"), "-D", str(directory), *words])
        if initdb.wait(_START_SECONDS) != 0:
            raise RuntimeError(f"initdb ended with status {initdb.returncode}")
        rules = directory / "pg_hba.conf"
        rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        return directory

    def _spawn(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        return subprocess.Popen(arguments, cwd="/", stdout=quiet, stderr=quiet, **self._identity)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            self.execute("SELECT 1")
        except (OSError, DBAPIError):
            return False
        return True


def _run_aside(work: Coroutine[Any, Any, None]) -> None:
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, work).result()
