"""Generated secrets that outlive the process: made once, kept in a file, found again at the next start."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def keep(path: Path, make: Callable[[], str]) -> str:
    """The text kept in `path`; when there is none yet, what `make` returns, kept with mode 0600.

    Processes that start at the same moment agree on one text: the file appears whole under its name or not
    at all, and only the first link wins.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path, make())
    path.chmod(0o600)
    return path.read_text().strip()


def _create(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
