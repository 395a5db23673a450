"""Words for why a store cannot be asked: from codes, never from what a server said."""

import errno
import socket
import sqlite3
import ssl

import pytest

from gateway.faults import Fault, Target, fault_of

TARGET = Target("ann", "db.example", "shop")


class FromServer(Exception):
    """As drivers raise it: a SQLSTATE, and text that must not get into the words."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("the server quotes canary-password")
        self.sqlstate = sqlstate


class Wrapped(Exception):
    """As SQLAlchemy wraps a driver's error."""

    def __init__(self, orig: BaseException) -> None:
        super().__init__("wrapped")
        self.orig = orig


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.DatabaseError("canary-password")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (FromServer("28P01"), "refused the password for ann"),
        (FromServer("28000"), "does not let ann in"),
        (FromServer("3D000"), "is not there: the server has no database shop"),
        (FromServer("42501"), "does not let ann make its tables"),
        (FromServer("53300"), "has no connection left"),
        (Wrapped(FromServer("28P01")), "refused the password for ann"),
        (sqlite_error(26), "is not an SQLite database"),
        (sqlite_error(8 | 4 << 8), "may not be written"),  # SQLITE_READONLY_DBMOVED
        (socket.gaierror(socket.EAI_NONAME, "canary"), "cannot be found: no host is named db.example"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "refuses connections"),
        (ConnectionResetError(), "closes the connection"),
        (TimeoutError(), "does not answer in time"),
        (ssl.SSLCertVerificationError(), "has a certificate that is not trusted"),
        (ssl.SSLError(), "does not answer in TLS"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/data"), "is a folder, not a file"),
        (FileExistsError(errno.EEXIST, "File exists", "/data"), "cannot be made: /data is not a folder"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), "cannot be opened: /x/y: Permission denied"),
        (FromServer("XX000"), "cannot be asked"),
        (ValueError("canary-password"), "cannot be asked"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_each_cause_has_its_words(error: BaseException, why: str) -> None:
    found = fault_of(error, TARGET)
    assert found.why == why
    assert "canary" not in str(found)


def test_the_cause_is_found_behind_other_errors() -> None:
    error = RuntimeError("driver")
    error.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    assert fault_of(error, TARGET).why == "refuses connections"


def test_causes_that_go_in_a_circle_end() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert fault_of(first, TARGET) == Fault()
