"""Composition of the demo: secrets, sample services, accounts, then the same server as `gateway serve`."""

import asyncio
import base64
import http.client
import secrets
import shlex
import sys
import threading
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.accounts.passwords import Passwords
from gateway.accounts.store import AccountStore
from gateway.clock import Clock
from gateway.config.reading import read_config_bytes
from gateway.config.settings import Settings
from gateway.demo.accounts import ensure, kept_accounts
from gateway.demo.banner import Account, Place, banner
from gateway.demo.keep import keep
from gateway.demo.services import find, running
from gateway.errors import ConfigError, KeyRefused, Refusal, StoreUnavailable
from gateway.outage import told
from gateway.secret import Secret
from gateway.server.run import report, serve
from gateway.tokens.keys import KeyRing

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104
ELSEWHERE = "For other ports: GATEWAY_LISTEN=127.0.0.1:8090 GATEWAY_MANAGEMENT=127.0.0.1:8091 make run"


def run_demo(config: Path, clock: Clock, environ: MutableMapping[str, str]) -> int:
    """Serve until a signal; the exit code, as of `gateway.server.run.serve`.

    What the configuration takes from the environment is put into `environ` unless it is there already.
    """
    data = config.parent / "data"
    folder = find(config)
    if folder is None:
        return _refuse("the sample services are not here", "run the demo in a clone")
    try:
        read_config_bytes(config)
        _fill(environ, "JWT_SECRET_KEY", partial(signing_secret, data))
        demo = Demo(config, data, kept_accounts(data), clock)
    except ConfigError as error:
        print("\n".join(report(error)), file=sys.stderr)
        return 2
    except OSError as error:
        place = f"{data} cannot be used: {error.strerror}"
        return _refuse(place, "it has to be a folder in which files can be made")
    except KeyRefused as refused:
        return _refuse(refused.why, refused.hint)
    with running(folder) as services:
        for name, service in services.items():
            _fill(environ, f"{name.upper()}_URL", partial(str, service.url))
        code = serve(config, clock, environ=environ, prepare=demo.prepare, announce=demo.announce)
    if code == 2:
        print(ELSEWHERE, file=sys.stderr)
    return code


def _refuse(sentence: str, hint: str) -> int:
    print(f"gateway: {sentence}\n   hint  {hint}\nNothing was started.", file=sys.stderr)
    return 2


def _fill(environ: MutableMapping[str, str], name: str, value: Callable[[], str]) -> None:
    """Empty counts as unset, as it does in the configuration."""
    environ[name] = environ.get(name) or value()


def signing_secret(data: Path) -> str:
    """The secret kept in `data`, made when there is none. KeyRefused names the file if it holds something else."""
    path = data / "jwt-secret"
    try:
        kept = keep(path, lambda: base64.b64encode(secrets.token_bytes(32)).decode())
        KeyRing.from_secret(Secret(kept))
    except (UnicodeDecodeError, KeyRefused):
        hint = f"delete {path}, and a new one is made; who is signed in has to log in again"
        raise KeyRefused(f"{path} does not hold a signing secret", hint) from None
    return kept


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo adds to a gateway that serves: accounts before, and the banner once requests are taken."""

    config: Path
    data: Path
    accounts: tuple[Account, Account]
    clock: Clock

    def prepare(self, settings: Settings) -> None:
        """Make the accounts; SystemExit when that cannot be done."""
        rules = settings.accounts.password
        store = AccountStore(settings.accounts.database.reveal(), clock=self.clock)
        passwords = Passwords(min_length=rules.min_length, reject_common=rules.reject_common)
        try:
            asyncio.run(ensure(store, passwords, self.accounts))
        except Refusal as error:
            why = told(settings, error) if isinstance(error, StoreUnavailable) else error.detail
            print(f"gateway: {why}\nNothing was started.", file=sys.stderr)
            raise SystemExit(3) from None

    def announce(self, _settings: Settings, public: str, management: str) -> None:
        """Print the banner as soon as `/readyz` says so, which needs this thread to serve."""
        probe = _reachable(management)
        place = Place(f"http://{_reachable(public)}", f"http://{probe}", _shown(self.data), users_command(self.config))
        threading.Thread(target=_print_when_ready, args=(probe, banner(place, *self.accounts)), daemon=True).start()


def _shown(folder: Path) -> str:
    return str(folder) if folder.is_absolute() else f"./{folder}"


def users_command(config: Path) -> str:
    """`gateway users list` as it works from here, with the installation that runs the demo."""
    installed = Path(sys.executable).with_name("gateway")
    if not installed.is_file():
        start = f"{shlex.quote(sys.executable)} -m gateway"
    elif installed.is_relative_to(Path.cwd()):
        start = shlex.quote(str(installed.relative_to(Path.cwd())))
    else:
        start = shlex.quote(str(installed))
    which = "" if config == Path("config.yaml") else f" -c {shlex.quote(str(config))}"
    return f"{start} users list{which}"


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
