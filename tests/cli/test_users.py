"""`gateway users`, in the process and, where a terminal is needed, on one."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.accounts.passwords import Passwords
from gateway.cli.users import command
from tests.support.users_cli import Users, added, runner, stored, write_config


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
