"""Facts about the machine and the programs, without which figures say nothing."""

import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

_VERSIONS = {
    "haproxy": ("haproxy", "-v"),
    "nginx": ("nginx", "-v"),
    "caddy": ("caddy", "version"),
    "node": ("node", "--version"),
    "redis": ("redis-server", "--version"),
    "wrk": ("wrk", "--version"),
}


def facts() -> dict[str, Any]:
    """As JSON can carry them; `load` is the machine's load average at this moment."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024 // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": [round(value, 2) for value in os.getloadavg()],
        "gateway": version("gateway") if _installed("gateway") else "source tree",
        "uvicorn": version("uvicorn"),
        "versions": {name: _version(*command) for name, command in _VERSIONS.items() if shutil.which(command[0])},
    }


def sentence(found: dict[str, Any]) -> str:
    """The facts for the report."""
    programs = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    return (
        f"{found['date']}; {found['processor']}, {found['cores']} cores, {found['memory_mib'] / 1024:.0f} GiB, "
        f"Linux {found['kernel']}; Python {found['python']}, uvicorn {found['uvicorn']}; {programs}. "
        f"Load average when it began: {found['load'][0]}."
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _installed(name: str) -> bool:
    try:
        version(name)
    except ModuleNotFoundError:
        return False
    return True


def _version(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found[0] if found else "?"
