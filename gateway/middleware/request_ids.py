"""Names for requests: unique in the world, cheap, and valid as W3C trace ids."""

import itertools
import secrets


class RequestIds:
    """64 random bits for the process, then a counter, as 32 hex digits.

    A request id names a log line, it grants nothing: it need not be hard to guess, and the system's random
    generator costs a system call each time.
    """

    def __init__(self) -> None:
        self._process = secrets.token_hex(8)
        self._numbers = itertools.count(secrets.randbits(32) + 1)

    def __call__(self) -> str:
        return f"{self._process}{next(self._numbers):016x}"


def new_request_id() -> str:
    """A request id outside the count, for what is refused before there is a request."""
    return secrets.token_hex(16)
