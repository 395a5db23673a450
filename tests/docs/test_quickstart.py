"""docs/quickstart.md: all of its shell blocks, run by one shell in an empty folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.markdown import blocks
from tests.support.missing import missing
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "quickstart.md"
# A script has no job control of its own, which `kill %1` needs.
STOP = "set -m; trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n"


def script() -> str:
    """The page's commands, with ports that are free on this machine."""
    text = STOP + "\n".join(blocks(PAGE, "sh"))
    management = f"\n  management: 127.0.0.1:{free_port()}"
    text = text.replace("  listen: 127.0.0.1:8080", f"  listen: 127.0.0.1:8080{management}")
    return text.replace("8080", str(free_port())).replace("9000", str(free_port()))


def with_gateway_on_path(folder: Path) -> dict[str, str]:
    """An environment with a `gateway` command, as an installation makes it."""
    command = folder / "gateway"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway "$@"\n')
    command.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(folder)}


@pytest.mark.slow
def test_every_step_does_what_the_page_says(tmp_path: Path) -> None:
    for needed in ("curl", "openssl"):
        if shutil.which(needed) is None:
            missing(needed)
    commands, work = tmp_path / "bin", tmp_path / "work"
    commands.mkdir()
    work.mkdir()
    done = subprocess.run(
        ["bash", "-eu", "-c", script()],
        cwd=work,
        env=with_gateway_on_path(commands),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = (
        "Hello stranger, this is /\n",
        '"token-missing"',
        "Hello me@example.com, this is /members/area\n",
        '"role-missing"',
        "Hello me@example.com, this is /staff/room\n",
    )
    positions = [done.stdout.find(words) for words in said]
    assert -1 not in positions, done.stdout + done.stderr
    assert positions == sorted(positions)
