"""Several workers: a supervisor that binds, starts, watches and drains them, and speaks for all of them."""

import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from gateway.admin.control import SocketFleet
from gateway.admin.management import ManagementApp
from gateway.config.settings import Settings
from gateway.server.drain import QuietServer, drain_notice, ignore_repetition
from gateway.server.listen import phase_of
from gateway.server.options import management_config, public_config

# How a worker process, which starts from nothing, learns what to serve.
CONFIG_VARIABLE: Final = "GATEWAY_WORKER_CONFIG"
CONTROL_VARIABLE: Final = "GATEWAY_WORKER_CONTROL"
PARENT_VARIABLE: Final = "GATEWAY_WORKER_PARENT"
# The file as it was when the gateway started, in the control directory, which only this user can read.
ADMITTED_CONFIG: Final = "config.yaml"

# How long after the drain a worker may take to close its stores before it is killed.
_CLOSING_SECONDS: Final = 5.0
_ENDING: Final = frozenset({signal.SIGINT, signal.SIGTERM})

logger = logging.getLogger("gateway")


class Supervisor(Multiprocess):
    """uvicorn's supervisor; a worker that cannot start ends the gateway with exit code 3.

    `on_ready` is called once, when the first worker accepts connections.
    """

    def __init__(self, config: uvicorn.Config, public: socket.socket, on_ready: Callable[[], object]) -> None:
        super().__init__(config, [public])
        self._public = public
        self._on_ready: Callable[[], object] | None = on_ready

    @property
    def draining(self) -> bool:
        """From the signal on, not only from when the supervisor comes to handle it."""
        return self.should_exit.is_set() or self._told_to_end()

    def _told_to_end(self) -> bool:
        return not _ENDING.isdisjoint(self.signal_queue)

    def keep_subprocess_alive(self) -> None:
        """Replace workers that are gone. A worker that cannot even start ends the gateway: so would the next one.

        uvicorn also asks every worker each half second, waits up to five for the answer of one that has just
        died, and kills one that is slow to import. Whether a worker still serves is told by `/readyz`.
        """
        if self.draining:
            return
        if self._on_ready is not None and phase_of(self._public, self.draining) is None:
            self._on_ready()
            self._on_ready = None
        for index, process in enumerate(self.processes):
            if process.process.is_alive():
                continue
            process.kill()
            process.join()
            if process.exitcode == STARTUP_FAILURE:
                self.should_exit.set()
                return
            self.processes[index] = Process(self.config, self.sockets)
            self.processes[index].start()
            ended, started = ended_by(process.exitcode), self.processes[index].pid
            logger.warning("worker %s ended %s; started %s", process.pid, ended, started)

    def join_all(self) -> None:
        """Wait for the drain; a second signal, or a worker that hangs, ends it the hard way."""
        self.signal_queue.clear()
        if not self.failed:
            logger.info("%s", drain_notice(self.config))
        deadline = time.monotonic() + (self.config.timeout_graceful_shutdown or 0) + _CLOSING_SECONDS
        for process in self.processes:
            while process.process.is_alive() and time.monotonic() < deadline and not self._told_to_end():
                process.process.join(0.1)
            if process.process.is_alive():
                if not self._told_to_end():
                    logger.warning("worker %s did not stop in time", process.pid)
                process.process.kill()
            process.process.join()

    def handle_hup(self) -> None:
        """A hang-up is no reason to drop connections."""
        logger.info("SIGHUP ignored")

    @property
    def failed(self) -> bool:
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)


def ended_by(status: int | None) -> str:
    """`by signal 9` or `with status 1`; multiprocessing counts signals below zero."""
    return f"by signal {-status}" if status is not None and status < 0 else f"with status {status}"


def run_workers(
    settings: Settings,
    config_path: Path,
    public: socket.socket,
    management: socket.socket,
    on_ready: Callable[[], object],
) -> int:
    """Serve until a signal; the exit code. `on_ready` is called once connections are accepted."""
    with tempfile.TemporaryDirectory(prefix="gateway-") as directory:
        os.environ[CONFIG_VARIABLE] = str(config_path.absolute())
        os.environ[CONTROL_VARIABLE] = directory
        # A worker that is replaced later must judge as its siblings do, whatever the file says by then.
        (Path(directory) / ADMITTED_CONFIG).write_bytes(config_path.read_bytes())
        os.environ[PARENT_VARIABLE] = str(os.getpid())
        config = public_config(
            "gateway.server.worker:make_app",
            settings.server,
            workers=settings.server.workers,
            factory=True,
        )
        supervisor = Supervisor(config, public, on_ready)
        fleet = SocketFleet(Path(directory), settings.server.workers, lambda: phase_of(public, supervisor.draining))
        beside = QuietServer(management_config(ManagementApp(fleet)))
        thread = _beside(beside, management)
        supervisor.run()
        ignore_repetition()
        beside.should_exit = True
        thread.join(timeout=5)
        return 3 if supervisor.failed else 0


def _beside(server: uvicorn.Server, management: socket.socket) -> threading.Thread:
    """The supervisor's main thread waits for processes, so the management listener has its own."""
    thread = threading.Thread(target=server.run, args=([management],), name="management", daemon=True)
    thread.start()
    return thread
