"""What to do when a part that a test needs is not on this machine."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip by name; with CI=true nothing may be skipped, so fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
