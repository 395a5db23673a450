"""`gateway users` and what runs, or does not answer, elsewhere; and on a terminal."""

import asyncio
import os
import pty
import subprocess
import sys
from pathlib import Path

from gateway.sessions.events import EventKind
from tests.support.ports import free_port
from tests.support.users_cli import added, heard, runner, sign_in, stored, write_config


def test_running_gateways_are_told(tmp_path: Path, sessions_url: str) -> None:
    accounts = f"sqlite:///{tmp_path}/accounts.db"
    users = runner(write_config(tmp_path, accounts, sessions_url))
    user_id = added(users, "ann@example.com")["user_id"]
    asyncio.run(sign_in(sessions_url, user_id))

    assert users("role", "ann@example.com", "editor").exit_code == 0
    told, live = asyncio.run(heard(sessions_url, user_id))
    assert ((EventKind.ROLE_CHANGED, user_id, "editor") in told, live) == (True, True)

    assert users("disable", user_id).exit_code == 0
    told, live = asyncio.run(heard(sessions_url, user_id))
    assert ((EventKind.USER_DISABLED, user_id, "") in told, live) == (True, False)
    assert asyncio.run(stored(accounts, "ann@example.com")).epoch == 1

    assert users("enable", "ann@example.com").exit_code == 0
    told, _ = asyncio.run(heard(sessions_url, user_id))
    assert (EventKind.USER_ENABLED, user_id, "") in told


def test_nothing_changes_when_running_gateways_cannot_be_told(tmp_path: Path, sqlite_url: str) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    users = runner(write_config(tmp_path, sqlite_url, nobody))
    added(users, "ann@example.com")
    for words in (["role", "ann@example.com", "admin"], ["disable", "ann@example.com"]):
        result = users(*words)
        assert (result.exit_code, "session store" in result.stderr) == (3, True)
    user = asyncio.run(stored(sqlite_url, "ann@example.com"))
    assert (user.role, user.disabled) == ("user", False)


def test_an_unreachable_database_is_exit_code_3(tmp_path: Path, sqlite_url: str) -> None:
    nobody = f"postgresql://someone:hidden@127.0.0.1:{free_port()}/gateway"
    users = runner(write_config(tmp_path, nobody, sqlite_url))
    result = users("list")
    assert (result.exit_code, "account database" in result.stderr) == (3, True)
    assert "hidden" not in result.output


def test_a_missing_file_is_exit_code_2(tmp_path: Path) -> None:
    assert runner(tmp_path / "nothing.yaml")("list").exit_code == 2


def test_a_broken_configuration_is_exit_code_1_with_its_problems(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("acounts: {}\n")
    result = runner(config)("list")
    assert (result.exit_code, f"{config}:1:1" in result.stderr) == (1, True)


def test_on_a_terminal_the_password_is_asked_for_twice_and_never_shown(tmp_path: Path, sqlite_url: str) -> None:
    config = write_config(tmp_path, sqlite_url, sqlite_url)
    words = ["-m", "gateway", "users", "add", "ann@example.com", "--config", str(config)]
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *words], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    for prompt in (b"Password: ", b"Repeat for confirmation: "):
        while not shown.endswith(prompt):
            shown += os.read(terminal, 1024)
        os.write(terminal, b"correct horse\n")
    shown += read_to_end(terminal)
    assert process.wait(10) == 0, shown
    assert b"added ann@example.com" in shown
    assert b"correct horse" not in shown


def read_to_end(terminal: int) -> bytes:
    shown = b""
    try:
        while chunk := os.read(terminal, 1024):
            shown += chunk
    except OSError:  # Linux reports the end of a terminal as EIO
        pass
    os.close(terminal)
    return shown
