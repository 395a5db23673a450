"""`gateway demo` as a process of its own, on free ports, in a folder of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
LAST_LINE = "Ctrl-C stops everything"


@dataclass(slots=True)
class Demo:
    """A started demo; `lines` is what it has printed on standard output so far."""

    process: subprocess.Popen[str]
    listen: str
    lines: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{self.listen}"

    @property
    def commands(self) -> list[str]:
        """The commands to paste, which are indented by two spaces."""
        return [line[2:] for line in self.lines if line.startswith("  ")]

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(LAST_LINE):
                self.ready.set()
        self.ready.set()

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send the signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


def command(folder: Path) -> list[str]:
    """The demo on a copy of the shipped configuration: what it keeps goes beside that."""
    shutil.copy(ROOT / "config.yaml", folder)
    return [sys.executable, "-m", "gateway", "demo"]


def environment(listen: str, management: str) -> dict[str, str]:
    """As empty as it can be, as on a fresh machine."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "GATEWAY_LISTEN": listen, "GATEWAY_MANAGEMENT": management}


@contextlib.contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """A demo that has printed everything it prints at start; killed at the end if it still runs."""
    listen = f"127.0.0.1:{free_port()}"
    management = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        command(folder), cwd=folder, env=environment(listen, management), stdout=subprocess.PIPE, text=True
    )
    demo = Demo(process, listen)
    reader = threading.Thread(target=demo.read, daemon=True)
    reader.start()
    try:
        assert demo.ready.wait(60), "the demo printed nothing within a minute"
        assert process.poll() is None, f"the demo ended with {process.returncode}"
        yield demo
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join(timeout=10)
        if process.stdout is not None:
            process.stdout.close()
