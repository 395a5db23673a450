"""A real `gateway serve` in its own process, on free ports, with everything it prints kept."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.support.ports import free_port

SECRET = base64.b64encode(bytes(range(32))).decode()

SETTINGS = """
server:
  listen: 127.0.0.1:{port}
  management: 127.0.0.1:{management}
  workers: {workers}
  trusted_proxies: {trusted}
  drain: 5s
tokens:
  secret: ${{JWT_SECRET_KEY}}
sessions:
  store: {store}
accounts:
  database: {database}
  password: {{min_length: 8, reject_common: false}}
  bootstrap_admin: {{email: admin@example.com, password: admin-password}}
roles: {{admin: {{includes: [user]}}, user: {{}}}}
upstreams:
  echo: {{targets: ["{upstream}"]}}
routes:
  - {{name: public, path: /public/**, methods: [GET, POST], access: public, upstream: echo}}
  - {{name: optional, path: /optional/**, access: optional, upstream: echo}}
  - {{name: any, path: /any/**, access: authenticated, upstream: echo}}
  - {{name: strict, path: /strict/**, access: authenticated, upstream: echo, revocation: strict}}
  - {{name: admin, path: /admin/**, access: {{roles: [admin]}}, upstream: echo}}
  - {{name: owner, path: "/api/users/{{id}}", access: {{owner: id}}, upstream: echo}}
"""


class RunningGateway:
    """`url` and `management` are base URLs; `lines` what was written to stdout so far."""

    def __init__(self, directory: Path, *, upstream: str = "http://127.0.0.1:9", **settings: Any) -> None:
        self.directory = directory
        self.port = free_port()
        self.management_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.management = f"http://127.0.0.1:{self.management_port}"
        self.config = directory / "config.yaml"
        default_database = f"sqlite:///{directory}/gateway.db"
        values = {
            "workers": 1,
            "trusted": "[]",
            "store": default_database,
            "database": default_database,
            **settings,
        }
        self.config.write_text(
            SETTINGS.format(port=self.port, management=self.management_port, upstream=upstream, **values)
        )
        self.output = directory / "stdout.log"
        self.talk = directory / "stderr.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True, environ: Mapping[str, str] | None = None) -> "RunningGateway":
        """Start the process and wait until it is ready."""
        with self.output.open("ab") as output, self.talk.open("ab") as talk:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve", "--config", str(self.config)],
                stdout=output,
                stderr=talk,
                env={**os.environ, "JWT_SECRET_KEY": SECRET, **(environ or {})},
            )
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                break
            if self.ready():
                return
            time.sleep(0.05)
        raise AssertionError(f"the gateway did not become ready:\n{self.talk.read_text()}")

    def ready(self) -> bool:
        try:
            return httpx2.get(f"{self.management}/readyz", timeout=5).status_code == 200
        except httpx2.TransportError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal, wait, return the exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]

    def register(self, email: str = "test@example.com", password: str = "password123") -> dict[str, Any]:
        """The body of a successful registration."""
        answer = httpx2.post(
            f"{self.url}/auth/register",
            json={"email": email, "password": password, "display_name": "Test User"},
        )
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()["body"]
        return body

    def login(self, email: str, password: str) -> dict[str, Any]:
        answer = httpx2.post(f"{self.url}/auth/login", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()["body"]
        return body

    def admin(self) -> dict[str, Any]:
        """A session of the bootstrap administrator."""
        return self.login("admin@example.com", "admin-password")


@contextmanager
def running(directory: Path, **settings: Any) -> Iterator[RunningGateway]:
    """A gateway that is ready; stopped at the end, and checked to have stopped well."""
    gateway = RunningGateway(directory, **settings).start()
    try:
        yield gateway
    finally:
        code = gateway.stop()
    assert code == 0, gateway.talk.read_text()


def bearer(granted: Mapping[str, Any]) -> dict[str, str]:
    """The Authorization header of a token pair."""
    return {"Authorization": f"Bearer {granted['access_token']}"}
