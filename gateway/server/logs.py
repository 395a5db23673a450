"""Where words go: request and event lines as JSON on stdout, talk about the process on stderr."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Final

_UVICORN_LIFESPAN: Final = os.path.join("uvicorn", "lifespan", "on.py")


def configure_logs(level: int = logging.INFO, *, pid: int | None = None) -> None:
    """One plain handler on stderr for `gateway`; uvicorn's own chatter from warnings up.

    `pid` stands in every line where several workers write to the same place.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"gateway{'' if pid is None else f'[{pid}]'}: %(message)s"))
    handler.addFilter(_is_news)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("gateway").setLevel(level)


def _is_news(record: logging.LogRecord) -> bool:
    """Not what uvicorn says of the lifespan: `gateway.lifespan` has said it before, and why."""
    return not record.pathname.endswith(_UVICORN_LIFESPAN)


def stdout_writer() -> Callable[[str], object]:
    """Writes whole lines to stdout at once, so that lines of several workers do not mix."""
    descriptor = sys.stdout.fileno()

    def write(text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(descriptor, data) :]

    return write
