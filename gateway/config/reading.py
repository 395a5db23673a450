"""Bytes of a configuration file: bounded, UTF-8, from a path or from standard input."""

import os
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Final

from gateway.config.problems import Problem, Severity
from gateway.errors import ConfigError

LARGEST_FILE: Final = 16 * 1024 * 1024
LARGEST_SECRET: Final = 64 * 1024
STDIN_NAME: Final = "<stdin>"


def read_file(path: FilePath, limit: int = LARGEST_FILE) -> bytes:
    """The bytes of a regular file (or pipe); OSError as it comes, one byte more than `limit` at most."""
    with path.open("rb") as stream:
        return stream.read(limit + 1)


def file_name(path: FilePath) -> str:
    """The path as it can be printed, whatever its bytes are."""
    return os.fsencode(path).decode("utf-8", "replace")


def read_config_bytes(path: FilePath) -> bytes:
    """As `read_file`; what goes wrong is a ConfigError whose problem names the file."""
    return _or_problem(path, lambda: read_file(path))


def decode(raw: bytes, name: str) -> str:
    """Text of the file; ConfigError when it is too large or not UTF-8 (with the place of the bad byte)."""
    if len(raw) > LARGEST_FILE:
        size = f"{LARGEST_FILE // 1024 // 1024} MiB"
        raise ConfigError([Problem(name, 1, 1, Severity.ERROR, f"the file is larger than {size}")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        hint = "save the file as UTF-8"
        message = "the file is not valid UTF-8"
        raise ConfigError([Problem(name, line, column, Severity.ERROR, message, hint)]) from None


def _or_problem(path: FilePath, read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except FileNotFoundError:
        message, hint = "there is no such file", "name the file with --config FILE"
    except IsADirectoryError:
        message, hint = "this is a directory, not a file", "name the file inside it"
    except PermissionError:
        message, hint = "the file may not be read", "check its owner and mode"
    except (OSError, ValueError):
        message, hint = "the file cannot be read", ""
    raise ConfigError([Problem(file_name(path), 0, 0, Severity.ERROR, message, hint)])
