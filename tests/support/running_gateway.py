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
ADMIN = ("admin@example.com", "admin-password")

SETTINGS = """
server:
  listen: 127.0.0.1:{port}
  management: 127.0.0.1:{management}
  workers: {workers}
  trusted_proxies: {trusted}
  drain: {drain}
  strip_headers: [X-Tenant]
  limits: {limits}
  timeouts: {timeouts}
tokens:
  secret: ${{JWT_SECRET_KEY}}
  access_ttl: {access_ttl}
  refresh_ttl: {refresh_ttl}
sessions:
  store: {store}
  refresh_grace: {grace}
  max_per_user: {max_per_user}
  revocation: {{max_staleness: {max_staleness}}}
accounts:
  database: {database}
  registration: {registration}
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
DEFAULTS = {
    "workers": 1,
    "trusted": "[]",
    "drain": "5s",
    "limits": "{}",
    "timeouts": "{}",
    "access_ttl": "30m",
    "refresh_ttl": "7d",
    "grace": "10s",
    "max_per_user": 10,
    "max_staleness": "30s",
    "registration": "open",
}


class RunningGateway:
    """`url` and `management` are base URLs; `http` is a client for the public listener; `settings` fill
    the placeholders above, and `more_routes` is added to the file."""

    def __init__(
        self, directory: Path, *, upstream: str = "http://127.0.0.1:9", more_routes: str = "", **settings: Any
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.management_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.management = f"http://127.0.0.1:{self.management_port}"
        self.config = directory / "config.yaml"
        database = f"sqlite:///{directory}/gateway.db"
        values = {**DEFAULTS, "store": database, "database": database, **settings}
        text = SETTINGS.format(port=self.port, management=self.management_port, upstream=upstream, **values)
        self.config.write_text(text + more_routes)
        self.output = directory / "stdout.log"
        self.talk = directory / "stderr.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=15)

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
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        raise AssertionError(f"the gateway did not become ready:\n{self.talk.read_text()}")

    def ready(self) -> bool:
        try:
            return self.probe("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def probe(self, path: str) -> httpx2.Response:
        """Ask the management listener."""
        return self.http.get(f"{self.management}{path}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal, wait, return the exit code."""
        self.http.close()
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=15)
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]

    def register(self, email: str = "test@example.com", password: str = "password123") -> dict[str, Any]:
        """The body of a successful registration."""
        return self.granted("register", email=email, password=password, display_name="Test User")

    def login(self, email: str, password: str) -> dict[str, Any]:
        return self.granted("login", email=email, password=password)

    def refresh(self, token: str) -> dict[str, Any]:
        return self.granted("refresh", refresh_token=token)

    def granted(self, endpoint: str, **fields: str) -> dict[str, Any]:
        """The body of a successful answer to a POST."""
        answer = self.http.post(f"/auth/{endpoint}", json=fields)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()["body"]
        return body

    def admin(self) -> dict[str, Any]:
        """A session of the bootstrap administrator."""
        return self.login(*ADMIN)


@contextmanager
def running(directory: Path, **settings: Any) -> Iterator[RunningGateway]:
    """A gateway that is ready; stopped at the end, and checked to have stopped well."""
    gateway = RunningGateway(directory, **settings)
    code = 0
    try:
        yield gateway.start()
    finally:
        code = gateway.stop()
        gateway.http.close()
    assert code == 0, gateway.talk.read_text()


def bearer(granted: Mapping[str, Any]) -> dict[str, str]:
    """The Authorization header of a token pair."""
    return {"Authorization": f"Bearer {granted['access_token']}"}
