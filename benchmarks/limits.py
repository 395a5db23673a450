"""Open files: ten thousand connections need more than most shells allow."""

import resource
from contextlib import suppress

_WANTED = 65_536


def raise_open_files() -> int:
    """As many as this user may have, which children inherit; the number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (_WANTED, max(hard, _WANTED)))
        return _WANTED
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft
