"""What Redis says when it does not do its work, in words for operators."""

from typing import Final
from urllib.parse import urlsplit

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from gateway.faults import Fault, Target, fault_of

_CREDENTIALS: Final = "correct the user and password in the URL: redis://user:password@host"
_WORDS: Final[tuple[tuple[type[RedisError], Fault], ...]] = (
    (BusyLoadingError, Fault("is loading its data", "wait until it has")),
    (NoPermissionError, Fault("does not permit its user what sessions need", "widen the user's ACL")),
    (OutOfMemoryError, Fault("is full", "raise its maxmemory")),
    (ReadOnlyError, Fault("is a replica, and takes no writes", "name the primary in the URL")),
)


def redis_fault(error: BaseException, url: str) -> Fault:
    """By the class of the reply's error; where the connection failed, by the system's error behind it."""
    if isinstance(error, AuthenticationError):
        return _of_credentials(error)
    for kind, fault in _WORDS:
        if isinstance(error, kind):
            return fault
    parts = urlsplit(url)
    database = parts.path.strip("/")
    if isinstance(error, ResponseError) and database not in ("", "0"):
        return Fault("refuses commands", f"check that it has a database {database}: without further settings, 0 to 15")
    if isinstance(error, ResponseError):
        return Fault("refuses commands", "read its log")
    if isinstance(error, TimeoutError) and parts.scheme == "rediss":
        return Fault(
            "does not answer in TLS in time", "check that it runs, and that it speaks TLS; else write redis://"
        )
    fault = fault_of(error, Target(parts.username or "", parts.hostname or "", database))
    if fault != Fault():
        return fault
    return Fault("closes the connection", "check the port, and whether it expects TLS (rediss://)")


def _of_credentials(error: AuthenticationError) -> Fault:
    if error.status_code == "NOAUTH":
        return Fault("asks for a password", _CREDENTIALS)
    if error.status_code == "WRONGPASS":
        return Fault("refused the password", _CREDENTIALS)
    return Fault("did not accept the user and password", _CREDENTIALS)
