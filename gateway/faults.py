"""Why a store cannot be asked, in words for operators.

They come from the codes that drivers and the system give (SQLSTATE, SQLite result codes, errno), never from the
text of a server or a driver, which may quote what was sent.
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

_MOST_CAUSES: Final = 10
_NO_MATCH: Final = "correct the user and password in the URL"


class Fault(NamedTuple):
    """`why` continues a sentence that names the store; `hint` says what to do next."""

    why: str = "cannot be asked"
    hint: str = ""


class Target(NamedTuple):
    """What the URL of a store asks for, without its password."""

    user: str = ""
    host: str = ""
    database: str = ""


_SQLITE: Final[Mapping[int, Fault]] = {  # https://www.sqlite.org/rescode.html, primary codes
    5: Fault("is locked by another program", "end the program that holds it open"),
    8: Fault("may not be written", "check owner and mode of the file and its folder"),
    10: Fault("cannot be read or written", "check the disk"),
    11: Fault("is damaged", "put back a backup, or move the file away to start afresh"),
    13: Fault("cannot grow: the disk is full", "make room"),
    14: Fault("cannot be opened", "check owner and mode of the file and its folder"),
    26: Fault("is not an SQLite database", "name another file, or move this one away"),
}


def fault_of(error: BaseException, target: Target) -> Fault:
    """The first cause in the chain of an error that there are words for."""
    for cause in _causes(error):
        found = _fault(cause, target)
        if found is not None:
            return found
    return Fault()


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if cause is None:
            return
        yield cause
        wrapped = getattr(cause, "orig", None)  # SQLAlchemy keeps the driver's error there.
        cause = wrapped if isinstance(wrapped, BaseException) else cause.__cause__ or cause.__context__


def _fault(cause: BaseException, target: Target) -> Fault | None:
    state, code = getattr(cause, "sqlstate", None), getattr(cause, "sqlite_errorcode", None)
    if isinstance(state, str):
        return _of_state(state, target)
    if isinstance(code, int):
        return _SQLITE.get(code & 0xFF)
    return _of_system(cause, target) if isinstance(cause, OSError) else None


def _of_state(state: str, target: Target) -> Fault | None:
    """By SQLSTATE (PostgreSQL's appendix A)."""
    user = target.user or "the user"
    known = {
        "28P01": Fault(f"refused the password for {user}", _NO_MATCH),
        "28000": Fault(f"does not let {user} in", f"{_NO_MATCH}, or allow the user in pg_hba.conf"),
        "3D000": Fault(f"is not there: the server has no database {target.database}", f"createdb {target.database}"),
        "42501": Fault(f"does not let {user} make its tables", f"GRANT CREATE ON SCHEMA public TO {user}"),
        "53300": Fault("has no connection left", "raise max_connections, or run fewer workers"),
        "57P03": Fault("is only just starting, or stopping", "try again in a moment"),
    }
    return known.get(state)


def _of_system(cause: OSError, target: Target) -> Fault | None:
    if isinstance(cause, socket.gaierror):
        return Fault(f"cannot be found: no host is named {target.host}", "correct the host in the URL")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Fault("has a certificate that is not trusted", "check its name and issuer")
    if isinstance(cause, ssl.SSLError):
        return Fault("does not answer in TLS", "write the URL without TLS if the server has none")
    if isinstance(cause, ConnectionRefusedError):
        return Fault("refuses connections", "start it, or correct host and port in the URL")
    if isinstance(cause, TimeoutError):
        return Fault("does not answer in time", "check that it runs, and host and port in the URL")
    if isinstance(cause, ConnectionError):
        return Fault("closes the connection", "check the port, and whether it expects TLS")
    return _of_file(cause)


def _of_file(cause: OSError) -> Fault | None:
    if cause.strerror is None:
        return None
    if cause.filename is None:
        return Fault(f"cannot be reached: {cause.strerror}")
    if isinstance(cause, IsADirectoryError):
        return Fault("is a folder, not a file", "name a file inside it")
    if isinstance(cause, FileExistsError | NotADirectoryError):
        return Fault(f"cannot be made: {cause.filename} is not a folder", "name another place")
    return Fault(
        f"cannot be opened: {cause.filename}: {cause.strerror}", "check owner and mode of the file and its folder"
    )
