"""Where words go: request and event lines as JSON on stdout, talk about the process on stderr."""

import logging
import os
import sys
from collections.abc import Callable


def configure_logs(level: int = logging.INFO) -> None:
    """One plain handler on stderr for `gateway`; uvicorn's own chatter from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("gateway: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("gateway").setLevel(level)


def stdout_writer() -> Callable[[str], object]:
    """Writes whole lines to stdout at once, so that lines of several workers do not mix."""
    descriptor = sys.stdout.fileno()

    def write(text: str) -> None:
        data = text.encode()
        while data:
            data = data[os.write(descriptor, data) :]

    return write
