"""A real `gateway serve`, from the configuration in `peers/gateway` with what a figure changes in it."""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.ask import answers_200, granted, text_of, wait_for
from benchmarks.bed import PEERS, Bed
from benchmarks.cores import PROXY
from benchmarks.credentials import ADMIN, ENCODED_SECRET, USER
from benchmarks.peer import Tokens
from benchmarks.processes import Process
from gateway.config.load import load_config
from gateway.errors import ConfigError
from tests.support.ports import free_port

Changes = Mapping[str, Any]
ENVIRON = {"JWT_SECRET_KEY": ENCODED_SECRET}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, slots=True)
class GatewayServer:
    """A ready gateway; `port` is the public listener, `management` the other."""

    process: Process
    port: int
    management: int
    directory: Path

    def tokens(self) -> Tokens:
        """Fresh ones, from logins."""
        user = {name: USER[name] for name in ("email", "password")}
        return Tokens(self.login(ADMIN)["access_token"], self.login(user)["access_token"])

    def login(self, fields: dict[str, str]) -> dict[str, Any]:
        """The token pair of a new session."""
        return granted(self.port, "login", fields)

    def gauge(self, name: str) -> float:
        """One value of `/metrics`."""
        for line in text_of(self.management, "/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise RuntimeError(f"no {name} in /metrics")


def start_gateway(
    bed: Bed, changes: Changes | None = None, *, optional: Changes | None = None, upstream: int | None = None
) -> GatewayServer:
    """Start one and register the user. `optional` changes are made if this gateway knows them.

    ConfigError when it does not take the configuration.
    """
    directory = Path(tempfile.mkdtemp(prefix="gateway-", dir=bed.directory))
    ports = free_port(), free_port()
    text = settings(*ports, upstream or bed.upstream(), directory)
    config = directory / "config.yaml"
    write(config, text, changes or {}, optional or {})
    argv = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    process = bed.start("gateway", argv, PROXY, ENVIRON)
    wait_for(process, ports[0], 120, ready=lambda: answers_200(ports[1], "/readyz"))
    granted(ports[0], "register", USER)
    return GatewayServer(process, *ports, directory)


def settings(port: int, management: int, upstream: int, directory: Path) -> dict[str, Any]:
    """The configuration file as data, with the addresses of this run."""
    found: dict[str, Any] = yaml.load((PEERS / "gateway" / "config.yaml").read_text(), LOADER)  # noqa: S506
    found["server"] |= {"listen": f"127.0.0.1:{port}", "management": f"127.0.0.1:{management}"}
    found["sessions"]["store"] = found["accounts"]["database"] = f"sqlite:///{directory}/gateway.db"
    found["upstreams"]["service"]["targets"] = [f"http://127.0.0.1:{upstream}"]
    return found


def write(config: Path, base: dict[str, Any], changes: Changes, optional: Changes) -> None:
    """The file with all changes in it, or without the optional ones when it is refused with them."""
    for wanted in ([changes, optional], [changes]):
        merged = base
        for change in wanted:
            merged = _merged(merged, change)
        config.write_text(yaml.dump(merged, Dumper=DUMPER, sort_keys=False))
        try:
            load_config(config, {**os.environ, **ENVIRON})
        except ConfigError:
            if wanted == [changes] or not optional:
                raise
        else:
            return


def _merged(base: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """Mappings are merged, lists are added to, everything else is replaced."""
    merged = dict(base)
    for key, value in changes.items():
        known = merged.get(key)
        if isinstance(known, dict):
            merged[key] = _merged(known, value)
        elif isinstance(known, list):
            merged[key] = [*known, *value]
        else:
            merged[key] = value
    return merged
