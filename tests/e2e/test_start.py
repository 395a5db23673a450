"""Starting: what is wrong is said, with the exit code that scripts rely on, and nothing is left behind."""

import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from gateway.secret import Secret
from gateway.tokens.keys import KeyRing
from tests.support.eventually import eventually
from tests.support.postgres_server import PostgresServer
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import SECRET, RunningGateway

MAKES_A_SECRET = re.compile(r"make one with: export (JWT_SECRET_KEY=\$\(.*?\)) .* (python3 -c .*)")


def started(gateway: RunningGateway, **environ: str) -> tuple[int, str]:
    """Exit code and what was said of a start that must fail."""
    gateway.start(wait=False, environ=environ)
    assert gateway.process is not None
    code = gateway.process.wait(timeout=20)
    gateway.http.close()
    assert gateway.output.read_text() == ""
    talk = gateway.talk.read_text()
    assert "Traceback" not in talk
    return code, talk


def test_a_broken_config_is_told_in_full_and_starts_nothing(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path)
    text = gateway.config.read_text().replace("access: public", "acess: public").replace("workers: 1", "workers: no")
    gateway.config.write_text(text + "unknown_key: 1\n")
    code, talk = started(gateway)
    assert code == 1
    for word in ("acess", "workers", "unknown_key", "did you mean"):
        assert word in talk
    lines = [line for line in talk.splitlines() if f"{gateway.config}:" in line]
    assert len(lines) >= 4
    assert not (tmp_path / "gateway.db").exists()


@pytest.mark.parametrize("secret", ["", "short", "c2hvcnQ=", "not base64 " * 10, "A" * 64, "Y2hhbmdlbWVj" * 4])
def test_a_missing_or_weak_secret_refuses_and_says_how_to_make_one(tmp_path: Path, secret: str) -> None:
    code, talk = started(RunningGateway(tmp_path), JWT_SECRET_KEY=secret)
    assert code == 1
    assert MAKES_A_SECRET.search(talk)
    assert not secret or secret.strip() not in talk
    assert not (tmp_path / "gateway.db").exists()


def test_the_printed_commands_make_a_good_secret(tmp_path: Path) -> None:
    _, talk = started(RunningGateway(tmp_path / "refused"), JWT_SECRET_KEY="")
    command = MAKES_A_SECRET.search(talk)
    assert command is not None
    for script in (f"{command[1]}; echo $JWT_SECRET_KEY", command[2]):
        made = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.strip()
        assert KeyRing.from_secret(Secret(made)).active.algorithm == "HS256"


def test_a_missing_file_is_exit_2(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path)
    gateway.config.unlink()
    code, talk = started(gateway)
    assert code == 2
    assert str(gateway.config) in talk


@pytest.mark.parametrize("which", ["port", "management_port"])
def test_a_taken_port_is_exit_2_and_a_sentence(tmp_path: Path, which: str) -> None:
    gateway = RunningGateway(tmp_path)
    port = getattr(gateway, which)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        code, talk = started(gateway)
    assert code == 2
    assert f"gateway: 127.0.0.1:{port} is taken by another program (server." in talk


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://ann:canary@127.0.0.1:9/none", "refuses connections"),
        ("postgresql://ann:canary@nowhere.invalid/none", "cannot be found: no host is named nowhere.invalid"),
        ("sqlite:////proc/nothing/gateway.db", "cannot be opened: /proc/nothing: No such file or directory"),
        ("sqlite:////dev/null/gateway.db", "cannot be made: /dev/null is not a folder"),
        ("sqlite:////etc", "is a folder, not a file"),
        ("sqlite:////etc/passwd", "is not an SQLite database"),
    ],
)
def test_a_database_that_stops_the_start_is_named_with_the_cause(tmp_path: Path, url: str, why: str) -> None:
    code, talk = started(RunningGateway(tmp_path, database=url))
    assert code == 3
    masked = url.replace("ann:canary@", "…@")
    first, second = talk.splitlines()
    assert first == f"gateway: the account database (accounts.database, {masked}) {why}"
    assert second.startswith("   hint  ")


def test_a_session_database_that_stops_the_start_is_named(tmp_path: Path) -> None:
    code, talk = started(RunningGateway(tmp_path, store="sqlite:////etc"))
    assert code == 3
    assert talk.startswith("gateway: the session store (sessions.store, sqlite:////etc) is a folder, not a file\n")


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("guarded:canary@{}/postgres", "refused the password for guarded"),
        ("postgres@{}/nothing", "is not there: the server has no database nothing"),
        ("nobody_here@{}/postgres", "does not let nobody_here in"),
    ],
)
def test_what_postgresql_refuses_is_told(tmp_path: Path, postgres_server: PostgresServer, place: str, why: str) -> None:
    url = "postgresql://" + place.format(f"127.0.0.1:{postgres_server.port}")
    code, talk = started(RunningGateway(tmp_path, database=url))
    assert code == 3
    assert why in talk
    assert "canary" not in talk


def test_a_worker_that_cannot_start_ends_all_with_exit_3(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path, database="postgresql://nobody@127.0.0.1:9/none", workers=2)
    gateway.start(wait=False)
    assert gateway.process is not None
    assert gateway.process.wait(timeout=30) == 3
    gateway.http.close()
    talk = gateway.talk.read_text()
    assert re.search(r"^gateway\[\d+\]: the account database \(.*\) refuses connections$", talk, re.MULTILINE)
    assert " routes on " not in talk


@pytest.mark.parametrize("workers", [1, 2])
def test_where_it_serves_is_said_once_it_does(tmp_path: Path, workers: int) -> None:
    gateway = RunningGateway(tmp_path, workers=workers).start()
    banner = f"gateway: 6 routes on {gateway.url}, health and metrics on {gateway.management}\n"
    eventually(lambda: gateway.talk.read_text() == banner)
    assert gateway.stop() == 0
    gateway.http.close()
    assert gateway.talk.read_text() == banner + "gateway: draining, up to 5 s; again to stop at once\n"


@pytest.mark.parametrize(("host", "why"), [("192.0.2.1", "no address of this machine"), ("nowhere.invalid", "a name")])
def test_an_address_that_cannot_be_had_is_exit_2_with_a_hint(tmp_path: Path, host: str, why: str) -> None:
    gateway = RunningGateway(tmp_path)
    text = gateway.config.read_text().replace(f"listen: 127.0.0.1:{gateway.port}", f"listen: {host}:{gateway.port}")
    gateway.config.write_text(text)
    code, talk = started(gateway)
    assert code == 2
    assert why in talk
    assert "hint  write " in talk


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once_and_quietly(
    tmp_path: Path, echo: RawUpstream, number: signal.Signals, workers: int
) -> None:
    gateway = RunningGateway(tmp_path, upstream=echo.url, workers=workers).start()
    hits = echo.hits
    with RawClient(gateway.port) as client:
        client.send(b"GET /public/slow?sleep=5 HTTP/1.1\r\nHost: gw\r\n\r\n")
        eventually(lambda: echo.hits > hits)
        assert gateway.process is not None
        gateway.process.send_signal(number)
        eventually(lambda: "again to stop at once" in gateway.talk.read_text())
        begun = time.monotonic()
        gateway.process.send_signal(number)
        assert gateway.process.wait(timeout=10) == 0
    gateway.http.close()
    assert time.monotonic() - begun < 2.5
    said = [line for line in gateway.talk.read_text().splitlines() if " routes on " not in line]
    assert said == ["gateway: draining, up to 5 s; again to stop at once"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_is_exit_0(tmp_path: Path, number: signal.Signals) -> None:
    gateway = RunningGateway(tmp_path).start()
    assert gateway.stop(number) == 0
    gateway.http.close()
    assert "Traceback" not in gateway.talk.read_text()


def test_a_hang_up_stops_nothing(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path).start()
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGHUP)
    eventually(lambda: "SIGHUP" in gateway.talk.read_text())
    assert gateway.ready()
    assert gateway.stop() == 0
    gateway.http.close()


def test_ready_means_that_the_port_accepts(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path).start()
    with RawClient(gateway.port) as client:
        assert client.ask(b"GET /auth/me HTTP/1.1\r\nHost: gw\r\n\r\n").status == 401
    assert gateway.stop() == 0
    gateway.http.close()


def test_the_secret_is_never_printed(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path).start()
    assert gateway.stop() == 0
    gateway.http.close()
    assert SECRET not in gateway.talk.read_text() + gateway.output.read_text()
