"""URLs of stores: they may hold a password, so they never print whole."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.config.scalars import unfit
from gateway.secret import Secret

_SHAPE: Final = re.compile(r"([a-z][a-z0-9+.-]*)://(\S*)")
SESSION_SCHEMES: Final = ("redis", "rediss", "redis+sentinel", "redis+cluster", "sqlite", "postgresql")
ACCOUNT_SCHEMES: Final = ("sqlite", "postgresql")
_EXAMPLES: Final = {
    "sqlite": "sqlite:///data/gateway.db",
    "redis": "redis://localhost:6379/0",
    "postgresql": "postgresql://user:password@localhost/gateway",
}


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """A store's URL: `str()` shows it without user, password and options, `reveal()` gives all of it."""

    scheme: str
    secret: Secret

    def reveal(self) -> str:
        """The URL with its password; for the store's constructor only."""
        return self.secret.reveal().decode()

    @property
    def database(self) -> int | None:
        """The number of a Redis database, where the URL gives one."""
        path = urlsplit(self.reveal()).path.removeprefix("/")
        return int(path) if self.scheme.startswith("redis") and path else None

    def within(self, folder: Path) -> "StoreUrl":
        """The same, with the relative path of an SQLite file starting at `folder`."""
        path = self.reveal().partition(":///")[2]
        if self.scheme != "sqlite" or path.startswith("/"):
            return self
        return StoreUrl(self.scheme, Secret(f"sqlite:///{folder.absolute() / path}"))

    def __str__(self) -> str:
        rest = self.reveal().partition("://")[2]
        if self.scheme == "sqlite":
            return f"sqlite://{rest.partition('?')[0]}"
        place = rest.rpartition("@")[2].partition("?")[0]
        return f"{self.scheme}://{'…@' if '@' in rest else ''}{place}"


def read_session_url(value: object) -> StoreUrl:
    """Where sessions are kept."""
    return _read(value, SESSION_SCHEMES)


def read_account_url(value: object) -> StoreUrl:
    """Where accounts are kept."""
    return _read(value, ACCOUNT_SCHEMES)


def _read(value: object, schemes: tuple[str, ...]) -> StoreUrl:
    """No message repeats the URL, since any part of it may be a password."""
    examples = ", ".join(_EXAMPLES[name] for name in schemes if name in _EXAMPLES)
    found = _SHAPE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise unfit("this is not the URL of a store", f"write for example {examples}")
    scheme, rest = found[1], found[2]
    if scheme not in schemes:
        raise unfit("the URL of this store has an unknown scheme", f"known are {', '.join(schemes)}")
    if scheme == "sqlite" and not re.fullmatch(r"/[^?#]+", rest):
        raise unfit("the URL of an SQLite store needs the path of a file", f"write for example {examples}")
    if scheme != "sqlite" and rest.strip("/") == "":
        raise unfit("the URL of this store names no host", f"write for example {examples}")
    if scheme != "sqlite":
        _check_place(scheme, str(value), examples)
    return StoreUrl(scheme, Secret(str(value)))


def _check_place(scheme: str, url: str, examples: str) -> None:
    """What drivers would stumble over, or pass over: redis-py takes `/no-number` for database 0."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise unfit("the URL of this store has no valid port", "ports are from 1 to 65535")
    database = parts.path.removeprefix("/")
    if scheme.startswith("redis") and not re.fullmatch(r"[0-9]{0,4}", database):
        raise unfit("a Redis database is a number", f"write for example {examples}")
    if scheme == "postgresql" and not database:
        raise unfit("the URL of this store names no database", f"write for example {examples}")
