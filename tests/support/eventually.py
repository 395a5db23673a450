"""Waiting for what another thread is about to do."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], seconds: float = 3.0) -> None:
    """Return as soon as `condition` holds; AssertionError when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.005)
