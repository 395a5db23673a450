"""URLs of stores: they may hold a password, so they never print whole."""

import re
from dataclasses import dataclass
from typing import Final

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
    return StoreUrl(scheme, Secret(str(value)))
