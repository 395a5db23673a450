"""`gateway check`: exit codes, streams, and both forms of output."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.support.configs import ENVIRON, MINIMAL

BROKEN = MINIMAL + "server: {worker: 2}\n"
WARNED = MINIMAL.replace("upstreams:\n", 'upstreams:\n  bills: {targets: ["http://bills"]}\n')


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *args], input=stdin, env=dict(ENVIRON))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (MINIMAL, 0, "is sound. Routes: 1. Upstreams: 1."),
        (WARNED, 0, "1 finding, 0 errors."),
        (BROKEN, 1, "1 finding, 1 error.\n"),
    ],
    ids=["sound", "warnings", "errors"],
)
def test_the_exit_code_is_the_verdict(file: Path, text: str, code: int, said: str) -> None:
    file.write_text(text)
    result = run(str(file))
    assert (result.exit_code, result.stderr) == (code, "")
    assert said in result.stdout


def test_findings_are_results_and_go_to_standard_output(file: Path) -> None:
    file.write_text(BROKEN)
    assert f'{file}:6:10  error  server: unknown key "worker"' in run("-c", str(file)).stdout


@pytest.mark.parametrize("args", [["--nonsense"], ["/nonexistent/config.yaml"], ["-c", "/nonexistent/config.yaml"]])
def test_a_missing_file_and_wrong_usage_exit_with_2(args: list[str]) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_postgresql_without_its_driver_is_a_problem(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    file.write_text(MINIMAL + "accounts: {database: 'postgresql://ann:canary@db/shop'}\n")
    result = run(str(file))
    assert result.exit_code == 1
    assert "6:22  error  accounts.database: PostgreSQL needs the package asyncpg" in result.stdout
    assert "hint  install it with: pip install 'gateway[postgres]'" in result.stdout
    assert "canary" not in result.stdout


def test_standard_input_is_named_by_a_dash() -> None:
    assert run("-", stdin=MINIMAL).exit_code == 0
    broken = run("-c", "-", stdin=BROKEN)
    assert broken.exit_code == 1
    assert "<stdin>:6:10" in broken.stdout


def test_the_json_form_is_one_object(file: Path) -> None:
    file.write_text(BROKEN)
    result = run(str(file), "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["ok"], report["errors"], report["warnings"], report["file"]) == (False, 1, 0, str(file))
    assert (report["problems"][0]["line"], report["problems"][0]["column"]) == (6, 10)


def test_the_json_form_of_a_missing_file(file: Path) -> None:
    result = run(str(file), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["problems"][0]["line"] is None


def test_output_that_is_no_terminal_has_no_colour(file: Path) -> None:
    file.write_text(BROKEN)
    assert "\x1b" not in run(str(file)).stdout


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_colour_on_a_terminal_can_be_refused(file: Path, environ: dict[str, str], coloured: bool) -> None:
    file.write_text(BROKEN)
    found = CliRunner().invoke(main, ["check", str(file)], env={**ENVIRON, "NO_COLOR": None, **environ}, color=True)
    assert ("\x1b" in found.stdout) is coloured


def test_the_installed_command_works(file: Path) -> None:
    file.write_text(BROKEN)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check"],
        cwd=file.parent,
        env={**os.environ, **ENVIRON, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith('config.yaml:6:10  error  server: unknown key "worker"')


def test_ten_thousand_routes_are_checked_in_ten_seconds(file: Path) -> None:
    routes = (
        f"  - {{name: r{n}, path: '/s{n % 100}/x{n}/{{id}}', access: {{owner: id}}, upstream: orders}}\n"
        for n in range(10_000)
    )
    file.write_text(MINIMAL + "".join(routes))
    started = time.monotonic()
    assert run(str(file)).exit_code == 0
    assert time.monotonic() - started < 10
