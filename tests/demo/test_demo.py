"""`gateway demo` as a user meets it: a process in an empty folder, and the commands that it prints."""

import json
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo_process import Demo, command, environment, running_demo
from tests.support.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Demo]:
    with running_demo(folder) as started:
        yield started


@pytest.fixture(scope="module")
def answers(demo: Demo) -> list[dict[str, object]]:
    """What the printed commands print, run literally and in order by one shell."""
    script = "\n".join(demo.commands)
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_prints_address_accounts_and_commands(demo: Demo) -> None:
    text = "\n".join(demo.lines)
    assert demo.url in text
    assert "admin@example.com" in text
    assert "user@example.com" in text
    assert text.count("curl ") >= 10


def test_the_printed_commands_work_as_they_stand(answers: list[dict[str, object]]) -> None:
    register, me, refresh, catalogue, refused, created, own, forbidden, report = answers
    assert register["statusCode"] == 200
    assert body(me)["email"] == "test@example.com"
    assert body(me)["display_name"] == "Test User"
    assert body(refresh)["token_type"] == "bearer"
    assert catalogue["items"]
    assert refused["reason"] == "token-missing"
    assert created == {"number": 1, "item": "tea", "quantity": 2}
    assert own == {"user_id": body(me)["user_id"], "orders": [created]}
    assert (forbidden["reason"], forbidden["detail"]) == ("role-missing", "Admin access required")
    assert report == {"for": "admin@example.com", "users": 1, "orders": 1}


def body(answer: dict[str, object]) -> dict[str, object]:
    inside = answer["body"]
    assert isinstance(inside, dict)
    return inside


@pytest.mark.usefixtures("demo")
def test_what_is_kept_is_for_the_owner_only(folder: Path) -> None:
    for name in ("jwt-secret", "admin-password", "user-password"):
        assert stat.S_IMODE((folder / "data" / name).stat().st_mode) == 0o600


def test_ctrl_c_stops_it_and_a_restart_keeps_accounts_and_sessions(tmp_path: Path) -> None:
    with running_demo(tmp_path) as demo:
        steps = demo.commands[:4]  # register, log in, take both tokens
        script = "\n".join([*steps, "printf '%s\\n' $TOKEN $REFRESH"])
        done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=60, check=True)
        access, refresh = done.stdout.splitlines()[-2:]
        accounts = [line for line in demo.lines if " password " in line]
        assert demo.stop(signal.SIGINT) == 0
    with running_demo(tmp_path) as demo:
        assert [line for line in demo.lines if " password " in line] == accounts
        assert body(call(demo, "/auth/me", access, None))["email"] == "test@example.com"
        again = call(demo, "/auth/refresh", None, {"refresh_token": refresh})
        assert body(again)["email"] == "test@example.com"


def call(demo: Demo, path: str, token: str | None, data: dict[str, str] | None) -> dict[str, object]:
    arguments = ["curl", "-s", demo.url + path]
    if token is not None:
        arguments += ["-H", f"Authorization: Bearer {token}"]
    if data is not None:
        arguments += ["-H", "Content-Type: application/json", "-d", json.dumps(data)]
    answer = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=True)
    parsed: dict[str, object] = json.loads(answer.stdout)
    return parsed


def test_a_taken_port_is_named_and_ends_it_with_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = environment(f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}")
        ended = subprocess.run(
            command(tmp_path), cwd=tmp_path, env=settings, capture_output=True, text=True, timeout=30, check=False
        )
    assert ended.returncode == 2
    assert str(port) in ended.stderr
    assert "GATEWAY_LISTEN=" in ended.stderr
    assert "Traceback" not in ended.stderr


def refused(folder: Path, *words: str, **environ: str) -> str:
    """What is said of a start that must end with 2."""
    ended = subprocess.run(
        [*command(folder), *words],
        cwd=folder,
        env=environment("127.0.0.1:0", "127.0.0.1:0") | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_a_missing_configuration_is_told_as_everywhere(tmp_path: Path) -> None:
    told = refused(tmp_path, "-c", "missing.yaml")
    assert told.startswith("missing.yaml  error  there is no such file\n")
    assert "hint  name the file with --config FILE" in told


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    told = refused(tmp_path)
    assert told.startswith("gateway: data cannot be used: ")
    assert "hint  it has to be a folder" in told


@pytest.mark.parametrize("content", [b"damaged\n", b"", b"\xff\n"], ids=["no base64", "empty", "no text"])
def test_a_damaged_secret_is_named_with_the_file_to_delete(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data" / "jwt-secret"
    path.parent.mkdir()
    path.write_bytes(content)
    told = refused(tmp_path)
    assert told.startswith("gateway: data/jwt-secret does not hold a signing secret\n   hint  delete data/jwt-secret")
    assert "config.yaml" not in told


def test_the_command_that_lists_the_accounts_works_as_printed(demo: Demo, folder: Path) -> None:
    (line,) = [line for line in demo.lines if line.startswith("List the accounts with: ")]
    done = subprocess.run(
        ["bash", "-euc", line.partition(": ")[2]],
        cwd=folder,
        env=environment("127.0.0.1:0", "127.0.0.1:0"),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "admin@example.com" in done.stdout
