"""Where the reading of a connection stands."""

from enum import Enum


class Stage(Enum):
    """What the next bytes of a connection belong to."""

    IDLE = 1
    HEAD = 2
    BODY = 3


class Enough(Exception):
    """Raised within the parser's callbacks, so that it stops at once."""
