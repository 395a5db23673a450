"""The sample services of the demo, each in a process of its own on a free loopback port."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAMES = ("orders", "catalogue")


@dataclass(frozen=True, slots=True)
class SampleService:
    """A running service: `url` is where the gateway reaches it."""

    name: str
    url: str
    process: subprocess.Popen[bytes]


def find(config: Path) -> Path | None:
    """The folder with the services: beside the configuration file, or in the clone that is installed."""
    for root in (config.resolve().parent, Path(__file__).resolve().parents[2]):
        folder = root / "examples" / "services"
        if all((folder / f"{name}.py").is_file() for name in NAMES):
            return folder
    return None


@contextlib.contextmanager
def running(folder: Path) -> Iterator[dict[str, SampleService]]:
    """Start both services; they stop when the block ends, and also when this process is killed."""
    with contextlib.ExitStack() as stack:
        services = {}
        for name in NAMES:
            services[name] = _start(name, folder / f"{name}.py")
            stack.callback(_stop, services[name].process)
        yield services


def _start(name: str, file: Path) -> SampleService:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        descriptor = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.demo.child", str(file), str(descriptor)],
            stdin=subprocess.PIPE,
            pass_fds=[descriptor],
            start_new_session=True,  # Ctrl-C reaches the gateway first, which may still be draining requests.
        )
    return SampleService(name, f"http://127.0.0.1:{port}", process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
