"""`gateway users`, in the process and, where a terminal is needed, on one."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.accounts.passwords import Passwords
from gateway.accounts.store import AccountStore
from gateway.accounts.user import User
from gateway.cli.users import command
from gateway.clock import SystemClock
from gateway.sessions.connect import make_store
from gateway.sessions.events import EventKind
from gateway.sessions.store import NewSession, SessionStore
from tests.support.ports import free_port

CONFIG = """
tokens: {{secret: "{secret}"}}
sessions: {{store: "{sessions}"}}
accounts: {{database: "{accounts}"}}
roles: {{admin: {{includes: [user]}}, editor: {{}}, user: {{}}}}
upstreams: {{shop: {{targets: ["http://127.0.0.1:9"]}}}}
routes:
  - {{name: shop, path: /shop/**, access: authenticated, upstream: shop}}
"""

Users = Callable[..., Result]


def write_config(folder: Path, accounts: str, sessions: str) -> Path:
    config = folder / "config.yaml"
    secret = b64encode(os.urandom(32)).decode()
    config.write_text(CONFIG.format(secret=secret, accounts=accounts, sessions=sessions))
    return config


def runner(config: Path) -> Users:
    def run(*words: str, password: str | bytes | None = None) -> Result:
        return CliRunner().invoke(command, [*words, "--config", str(config)], input=password)

    return run


@pytest.fixture
def users(tmp_path: Path, sqlite_url: str) -> Users:
    """Runs `gateway users ...` on one SQLite file for accounts and sessions, which is there but empty."""

    async def make() -> None:
        store = AccountStore(sqlite_url, clock=SystemClock())
        await store.open()
        await store.close()

    asyncio.run(make())
    return runner(write_config(tmp_path, sqlite_url, sqlite_url))


@pytest.fixture(params=["sqlite_url", "redis_url"])
def sessions_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    return url


def added(users: Users, email: str, *options: str) -> dict[str, Any]:
    result = users("add", email, "--password-stdin", "--json", *options, password="correct horse\n")
    assert result.exit_code == 0, result.stderr
    shown: dict[str, Any] = json.loads(result.stdout)
    return shown


async def stored(url: str, email: str) -> User:
    store = AccountStore(url, clock=SystemClock())
    await store.open()
    user = await store.by_email(email)
    await store.close()
    assert user is not None
    return user


@asynccontextmanager
async def opened_sessions(url: str) -> AsyncIterator[SessionStore]:
    store = make_store(url, access_ttl=60, idle_ttl=600, refresh_grace=1, max_per_user=9, clock=SystemClock())
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def sign_in(url: str, user_id: str) -> None:
    now = int(SystemClock().now())
    session = NewSession(user_id, "session", "hash", 0, now, now + 600, "agent", "127.0.0.1")
    async with opened_sessions(url) as store:
        await store.create(session)


async def heard(url: str, user_id: str) -> tuple[set[tuple[EventKind, str, str]], bool]:
    """What running gateways are told, and whether the session of `sign_in` is still alive."""
    async with opened_sessions(url) as store:
        batch = await store.tail()
        told = list(batch.events)
        while batch.events:
            batch = await store.events_after(batch.cursor, 0)
            told += batch.events
        live = await store.is_live(user_id, "session")
    return {(event.kind, event.ref, event.value) for event in told}, live


def test_a_user_is_added_and_listed(users: Users, sqlite_url: str) -> None:
    user = added(users, "Ann@Example.com", "--name", "Ann B.", "--role", "editor")
    assert {key: user[key] for key in ("email", "display_name", "role", "disabled")} == {
        "email": "Ann@Example.com",
        "display_name": "Ann B.",
        "role": "editor",
        "disabled": False,
    }
    listed = json.loads(users("list", "--json").stdout)
    assert listed == [user]
    assert not {"password_hash", "epoch"} & user.keys()


@pytest.mark.parametrize(
    ("line", "password"),
    [
        pytest.param("  spaces count  \n", "  spaces count  ", id="blanks"),
        pytest.param("no line end", "no line end", id="no line end"),
        pytest.param("windows line\r\n", "windows line", id="carriage return"),
        pytest.param("first line\nsecond\n", "first line", id="first line only"),
    ],
)
def test_the_password_is_the_first_line_exactly(users: Users, sqlite_url: str, line: str, password: str) -> None:
    assert users("add", "ann@example.com", "--password-stdin", password=line).exit_code == 0

    async def verifies() -> bool:
        passwords = Passwords(min_length=8, reject_common=False)
        await passwords.open()
        user = await stored(sqlite_url, "ann@example.com")
        verdict = await passwords.verify(user.password_hash, password)
        await passwords.close()
        return verdict.ok

    assert asyncio.run(verifies())


def test_the_list_is_a_table_for_people(users: Users) -> None:
    ann, bob = added(users, "ann@example.com"), added(users, "bob@example.com", "--role", "admin")
    users("disable", "ann@example.com")
    lines = users("list").stdout.splitlines()
    assert [line.split()[:4] for line in lines] == [
        ["EMAIL", "NAME", "ROLE", "STATE"],
        ["ann@example.com", "ann", "user", "disabled"],
        ["bob@example.com", "bob", "admin", "enabled"],
    ]
    assert [line.split()[-1] for line in lines[1:]] == [ann["user_id"], bob["user_id"]]
    assert "bob@example.com" not in users("list", "ann").stdout


@pytest.mark.parametrize(
    "words", [["list"], ["role", "a@b.example", "user"], ["disable", "a@b.example"], ["enable", "x"]]
)
def test_no_verb_but_add_makes_a_database(tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    users = runner(write_config(there, "sqlite:///data/gateway.db", "sqlite:///data/sessions.db"))
    monkeypatch.chdir(here)
    result = users(*words)
    assert result.exit_code == 3
    place = f"accounts.database, sqlite:///{there}/data/gateway.db"
    assert result.stderr.startswith(f"gateway: the account database ({place}) does not exist\n   hint  ")
    assert (list(here.iterdir()), [path.name for path in there.iterdir()]) == ([], ["config.yaml"])


def test_relative_paths_start_at_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = runner(write_config(tmp_path, "sqlite:///data/gateway.db", "sqlite:///data/gateway.db"))
    added(users, "ann@example.com")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "ann@example.com" in users("list").stdout
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_the_signing_secret_is_not_needed(tmp_path: Path, sqlite_url: str) -> None:
    config = write_config(tmp_path, sqlite_url, sqlite_url)
    lines = config.read_text().splitlines(keepends=True)
    for secret in ('"${UNSET_HERE}"', "null", "too-weak"):
        config.write_text("".join(f"tokens: {{secret: {secret}}}\n" if "tokens:" in line else line for line in lines))
        assert added(runner(config), f"{len(secret)}@example.com")["role"] == "user"


def test_what_was_changed_is_an_event_too(users: Users) -> None:
    user_id = added(users, "ann@example.com")["user_id"]
    for words, event in (
        (["role", user_id, "editor"], "role-changed"),
        (["disable", user_id], "user-disabled"),
        (["enable", user_id], "user-enabled"),
    ):
        facts = json.loads(users(*words).stderr)
        assert (facts["event"], facts["subject"], facts["uid"]) == (event, user_id, os.getuid())
        assert facts.get("role") == ("editor" if event == "role-changed" else None)


def test_a_text_that_nobody_has_is_told_from_an_empty_database(users: Users) -> None:
    assert users("list", "zzz").stderr == "no account matches\n"


@pytest.mark.parametrize("words", [["list"], ["role", "ann@example.com", "admin"], ["disable", "ann@example.com"]])
def test_failures_are_json_too(tmp_path: Path, words: list[str]) -> None:
    users = runner(write_config(tmp_path, "sqlite:///none.db", "sqlite:///none.db"))
    result = users(*words, "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, result.stderr, said["ok"]) == (3, "", False)
    assert said["error"].endswith("does not exist")
    assert said["hint"]


def test_an_empty_list_says_so_on_stderr(users: Users) -> None:
    result = users("list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no accounts\n")


@pytest.mark.parametrize(
    ("words", "password", "code", "said"),
    [
        (["add", "no address", "--password-stdin"], "correct horse", 2, "@-sign"),
        (
            ["add", "ann@example.com", "--name", "a\nb", "--password-stdin"],
            "correct horse",
            2,
            "display name",
        ),
        (
            ["add", "ann@example.com", "--role", "edtor", "--password-stdin"],
            "correct horse",
            2,
            "no role 'edtor'",
        ),
        (["add", "ann@example.com"], "correct horse", 2, "--password-stdin"),
        (["add", "ann@example.com", "--password-stdin"], b"\xff\xfe\n", 2, "not UTF-8"),
        (["add", "ann@example.com", "--password-stdin"], "short", 1, "at least 8 characters"),
        (["add", "ann@example.com", "--password-stdin"], "password123", 1, "most common"),
        (["add", "ann@example.com", "--password-stdin"], "x" * 5000, 1, "1024 bytes"),
        (["role", "nobody@example.com", "admin"], None, 1, "no such user"),
        (["role", "nobody@example.com", "edtor"], None, 2, "no role 'edtor'"),
        (["disable", "nobody@example.com"], None, 1, "no such user"),
        (["enable", "\N{SNOWMAN}"], None, 1, "no such user"),
        (["remove", "ann@example.com"], None, 2, "No such"),
    ],
)
def test_what_is_refused_says_why(
    users: Users, words: list[str], password: str | bytes | None, code: int, said: str
) -> None:
    result = users(*words, password=password)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_one_standard_input_is_not_read_for_two_things() -> None:
    result = CliRunner().invoke(command, ["add", "ann@example.com", "--password-stdin", "--config", "-"], input="x")
    assert (result.exit_code, "either the configuration or the password" in result.stderr) == (2, True)


def test_an_address_that_is_taken_is_refused(users: Users) -> None:
    added(users, "ann@example.com")
    result = users("add", "ANN@example.com", "--password-stdin", password="correct horse")
    assert (result.exit_code, "already registered" in result.stderr) == (1, True)


def test_the_last_admin_stays(users: Users) -> None:
    added(users, "root@example.com", "--role", "admin")
    for words in (["role", "root@example.com", "user"], ["disable", "root@example.com"]):
        result = users(*words)
        assert (result.exit_code, "last enabled admin" in result.stderr) == (1, True)


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
