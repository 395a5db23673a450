"""Composition of the demo: secrets, sample services, accounts, then the same server as `gateway serve`."""

import asyncio
import base64
import http.client
import secrets
import sys
import threading
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from gateway.accounts.passwords import Passwords
from gateway.accounts.store import AccountStore
from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.demo.accounts import ensure, kept_accounts
from gateway.demo.banner import Place, banner
from gateway.demo.keep import keep
from gateway.demo.services import find, running
from gateway.errors import Refusal
from gateway.server.run import serve

DATA = Path("data")
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104
TAKEN = "Choose other ports: GATEWAY_LISTEN=127.0.0.1:8090 GATEWAY_MANAGEMENT=127.0.0.1:8091 make run"


def run_demo(config: Path, clock: Clock, environ: MutableMapping[str, str]) -> int:
    """Serve until a signal; the exit code, as of `gateway.server.run.serve`.

    What the configuration takes from the environment is put into `environ` unless it is there already.
    """
    if not config.is_file():
        print(f"gateway: {config}: no such file", file=sys.stderr)
        return 2
    folder = find(config)
    if folder is None:
        print("gateway: the sample services are not here; run the demo in a clone", file=sys.stderr)
        return 2
    _fill(environ, "JWT_SECRET_KEY", keep(DATA / "jwt-secret", _signing_secret))
    with running(folder) as services:
        for name, service in services.items():
            _fill(environ, f"{name.upper()}_URL", service.url)
        code = serve(config, clock, environ=environ, announce=Announcement(clock))
    if code == 2:
        print(TAKEN, file=sys.stderr)
    return code


def _fill(environ: MutableMapping[str, str], name: str, value: str) -> None:
    """Empty counts as unset, as it does in the configuration."""
    environ[name] = environ.get(name) or value


def _signing_secret() -> str:
    return base64.b64encode(secrets.token_bytes(48)).decode()


@dataclass(frozen=True, slots=True)
class Announcement:
    """Called when both ports are ours: makes the accounts, and prints the banner once requests are taken."""

    clock: Clock

    def __call__(self, settings: Settings, public: str, management: str) -> None:
        accounts = kept_accounts(DATA)
        rules = settings.accounts.password
        store = AccountStore(settings.accounts.database.reveal(), clock=self.clock)
        passwords = Passwords(min_length=rules.min_length, reject_common=rules.reject_common)
        try:
            asyncio.run(ensure(store, passwords, accounts))
        except Refusal as error:
            print(f"gateway: cannot make the demo's accounts: {error.detail}", file=sys.stderr)
            raise SystemExit(3) from None
        probe = _reachable(management)
        text = banner(Place(f"http://{_reachable(public)}", f"http://{probe}", f"./{DATA}"), *accounts)
        threading.Thread(target=_print_when_ready, args=(probe, text), daemon=True).start()


def _reachable(address: str) -> str:
    """Where this machine finds a listener, also one that listens on all addresses."""
    host, _, port = address.rpartition(":")
    return f"{EVERYWHERE.get(host, host)}:{port}"


def _print_when_ready(management: str, text: str) -> None:
    while not _ready(management):
        time.sleep(0.05)
    print(text, flush=True)


def _ready(management: str) -> bool:
    # Not urllib, which would ask a proxy that the environment names.
    connection = http.client.HTTPConnection(management, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
