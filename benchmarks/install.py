"""Gets what a peer needs when it is not there, or says why it cannot be had."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.errors import Missing

HERE = Path(__file__).parent
NODE = HERE / "peers" / "node"
VENV = HERE / ".venv"
_REQUIREMENTS = HERE / "peers" / "textbook" / "requirements.txt"


def need_program(name: str, package: str = "") -> str:
    """The path of a program, from Debian's package if need be and possible. Missing when it cannot be had."""
    package = package or name
    found = shutil.which(name)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", package)
        found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed (apt-get install {package})")
    return found


def need_node() -> str:
    """Node.js, with the packages of `peers/node/package-lock.json` beside it."""
    node = need_program("node", "nodejs")
    need_program("npm")
    installed = NODE / "node_modules" / ".package-lock.json"
    if not _newer(installed, NODE / "package-lock.json"):
        _run("npm", "ci", "--no-audit", "--no-fund", cwd=NODE)
    return node


def need_textbook() -> str:
    """The Python of a virtual environment of its own, with the textbook proxies' libraries."""
    python, stamp = VENV / "bin" / "python", VENV / "installed"
    if not _newer(stamp, _REQUIREMENTS):
        _run(sys.executable, "-m", "venv", "--clear", str(VENV))
        _run(str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(_REQUIREMENTS))
        stamp.touch()
    return str(python)


def _newer(made: Path, source: Path) -> bool:
    return made.exists() and made.stat().st_mtime >= source.stat().st_mtime


def _run(*argv: str, cwd: Path | None = None) -> None:
    print("installing:", " ".join(argv), file=sys.stderr, flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=600, check=False, env=environ)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise Missing(f"{' '.join(argv[:3])} failed: {(done.stderr or done.stdout).strip()[-300:]}")
