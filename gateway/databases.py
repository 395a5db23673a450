"""What a database URL of the configuration means, and the file of a SQLite database.

`sqlite:///relative/path`, `sqlite:////absolute/path`, `postgresql://user@host:port/name`.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import URL, make_url

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}


def driver_url(url: str) -> URL:
    """The URL with its async driver; ValueError for other databases and for SQLite without a path."""
    parsed = make_url(url)
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None or (parsed.drivername == "sqlite" and not parsed.database):
        raise ValueError("a database URL is sqlite:///path or postgresql://host/name")
    # asyncpg calls the libpq option everybody writes `ssl`.
    renamed = {"ssl" if name == "sslmode" else name: value for name, value in parsed.query.items()}
    return parsed.set(drivername=driver, query=renamed)


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def make_file(url: URL) -> None:
    """The database file and its folder. Only the owner may read it: it holds password hashes.

    A file that is there is not opened: closing it would drop the locks that this process has on it through SQLite,
    and the next program to close it would delete the log under us (sqlite.org/howtocorrupt.html, 2.2).
    """
    path = Path(url.database or "")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
