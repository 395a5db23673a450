"""What a worker process of several runs: it reads the supervisor's configuration and opens its own connections."""

import os
from pathlib import Path

from gateway.admin.control import ControlServer
from gateway.app import Gateway
from gateway.clock import SystemClock
from gateway.config.load import load_text
from gateway.parts import make_parts
from gateway.server.logs import configure_logs, stdout_writer
from gateway.server.orphan import ParentWatch
from gateway.server.workers import ADMITTED_CONFIG, CONFIG_VARIABLE, CONTROL_VARIABLE, PARENT_VARIABLE


def make_app() -> Gateway:
    """The application of one worker; called by uvicorn in the worker process."""
    configure_logs(pid=os.getpid())
    path, directory = Path(os.environ[CONFIG_VARIABLE]), Path(os.environ[CONTROL_VARIABLE])
    loaded = load_text((directory / ADMITTED_CONFIG).read_bytes(), str(path), os.environ, path.parent)
    parts = make_parts(loaded.settings, SystemClock(), stdout_writer())
    control = ControlServer(directory, parts.report)
    watch = ParentWatch(int(os.environ[PARENT_VARIABLE]))
    return Gateway(loaded.settings, parts, beside=(control, watch))
