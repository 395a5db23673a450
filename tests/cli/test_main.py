"""The `gateway` command itself, and the verbs that show what is configured."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from gateway import __version__
from gateway.cli import VERBS, main
from gateway.config.pending import NOT_YET
from tests.support.configs import ENVIRON, MINIMAL, SECRET

TEXT = (
    MINIMAL
    + "  - {name: admin, path: /orders/admin, methods: [GET, PUT], access: {roles: [admin]}, upstream: orders}\n"
)


def run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args), env=dict(ENVIRON))


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT)
    return str(path)


def test_the_version() -> None:
    assert run("--version").stdout == f"gateway, version {__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_the_help_lists_the_verbs() -> None:
    listed = run("--help").stdout
    assert all(f"  {verb} " in listed for verb in VERBS)


def test_an_unknown_verb_suggests_the_nearest() -> None:
    result = run("chek")
    assert result.exit_code == 2
    assert "Did you mean 'check'?" in result.stderr


def test_a_verb_like_no_other_lists_them_all() -> None:
    assert "Verbs: serve" in run("zzz").stderr


def test_routes_are_listed_in_matching_order(file: str) -> None:
    lines = run("routes", "-c", file).stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["METHODS", "HOST", "PATH", "ACCESS", "UPSTREAM", "NAME", "LINE"],
        ["GET,PUT", "any", "/orders/admin", "role", "admin", "orders", "admin", "6"],
        ["all", "any", "/orders/**", "authenticated", "orders", "orders", "5"],
    ]


def test_routes_for_machines(file: str) -> None:
    first, second = json.loads(run("routes", "-c", file, "--json").stdout)
    assert first == {
        "name": "admin",
        "methods": ["GET", "PUT"],
        "host": None,
        "path": "/orders/admin",
        "access": "role admin",
        "upstream": "orders",
        "line": 6,
    }
    assert second["methods"] is None


@pytest.mark.parametrize("verb", [["routes"], ["config", "show"]], ids=" ".join)
def test_a_broken_file_is_talk_and_exit_1(tmp_path: Path, verb: list[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT + "server: {worker: 1}\n")
    result = run(*verb, "-c", str(path))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "unknown key" in result.stderr


@pytest.mark.parametrize("verb", [["routes"], ["config", "show"], ["users", "list"]], ids=" ".join)
def test_a_broken_file_is_json_where_json_was_asked_for(tmp_path: Path, verb: list[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT + "server: {worker: 1}\n")
    result = run(*verb, "-c", str(path), "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, result.stderr, said["ok"], said["errors"]) == (1, "", False, 1)
    assert said["problems"][0]["line"] == 7


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("config", "users")])
def test_what_may_not_be_read_is_left_to_the_loader_to_tell(verb: str) -> None:
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    paths = [option.type for option in command.params if isinstance(option.type, click.Path)]
    assert paths
    assert not any(path.readable for path in paths)


def test_a_missing_file_is_exit_2() -> None:
    assert run("routes", "-c", "/nonexistent.yaml").exit_code == 2


def test_warnings_do_not_stop_a_verb(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT + "server: {trusted_proxies: [0.0.0.0/0]}\n")
    result = run("routes", "-c", str(path))
    assert result.exit_code == 0
    assert "warn" in result.stderr


def test_config_show_masks_secrets_and_names_origins(file: str) -> None:
    shown = run("config", "show", "-c", file).stdout
    lines = {line.split()[0]: line.split()[1:] for line in shown.splitlines()}
    assert SECRET not in shown
    assert lines["tokens.secret"] == ["…", "environment", "JWT_SECRET_KEY"]
    assert lines["server.drain"] == ["20s", "default"]
    assert lines["routes.2.path"] == ["/orders/admin", f"{file}:6"]


def test_config_show_for_machines(file: str) -> None:
    shown = json.loads(run("config", "show", "-c", file, "--json").stdout)
    assert shown["settings"]["tokens"]["secret"] == "…"
    assert shown["origins"]["tokens.secret"] == "environment JWT_SECRET_KEY"


def test_values_added_to_requests_are_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    headers = "{request: {add: {X-Api-Key: hunter2}}, response: {add: {X-Frame-Options: DENY}}}"
    path.write_text(MINIMAL.replace("upstream: orders}", f"upstream: orders, headers: {headers}}}"))
    for shown in (
        run("config", "show", "-c", str(path)).stdout,
        run("config", "show", "-c", str(path), "--json").stdout,
    ):
        assert "hunter2" not in shown
        assert "X-Api-Key" in shown
        assert "DENY" in shown


def test_what_is_not_in_force_is_not_shown(file: str) -> None:
    settings = json.loads(run("config", "show", "-c", file, "--json").stdout)["settings"]
    table = run("config", "show", "-c", file).stdout
    for hidden in NOT_YET:
        if not hidden.what and "*" not in hidden.path:
            section, _, key = hidden.path.partition(".")
            assert key not in settings.get(section, {})
            assert hidden.path not in table
    assert "workers" in settings["server"]


def test_config_schema_is_json() -> None:
    assert json.loads(run("config", "schema").stdout)["title"] == "Gateway configuration"
