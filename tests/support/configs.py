"""A small sound configuration, and loading text as a test wants it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from gateway.config import Loaded, Problem, load_text
from gateway.errors import ConfigError

SECRET: Final = "yWmXxp2C8pFJ2tGQbqj8XqgbtAoq4lnY9b0r8FSFX7Q="
ENVIRON: Final = {"JWT_SECRET_KEY": SECRET}
MINIMAL: Final = """\
tokens: {secret: "${JWT_SECRET_KEY}"}
upstreams:
  orders: {targets: ["http://orders:8000"]}
routes:
  - {name: orders, path: /orders/**, access: authenticated, upstream: orders}
"""


def loaded(text: str, environ: Mapping[str, str] = ENVIRON, folder: Path = Path()) -> Loaded:
    """What a sound text becomes."""
    return load_text(text, "config.yaml", environ, folder)


def refused(text: str, environ: Mapping[str, str] = ENVIRON, folder: Path = Path()) -> list[Problem]:
    """The problems of a text that must be refused."""
    with pytest.raises(ConfigError) as error:
        load_text(text, "config.yaml", environ, folder)
    return [problem for problem in error.value.problems if isinstance(problem, Problem)]
