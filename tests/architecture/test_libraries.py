"""Every library has its one place, so that it can be replaced there."""

import re
import sys

import pytest

from tests.architecture.source import modules

ALLOWED = {
    "jwt": r"gateway/tokens/",
    "cryptography": r"gateway/tokens/",
    "redis": r"gateway/sessions/redis_\w+\.py",
    "sqlalchemy": r"gateway/accounts/|gateway/databases\.py|gateway/sessions/sql_\w+\.py",
    "argon2": r"gateway/accounts/",
    "email_validator": r"gateway/accounts/",
    "httpx2": r"gateway/proxy/",
    "httpcore2": r"gateway/proxy/",
    "h2": r"gateway/proxy/h2_\w+\.py",
    "httptools": r"gateway/(proxy|server)/",
    "starlette": r"gateway/(auth|middleware|admin|server|cli|demo)/|gateway/app\.py",
    "uvicorn": r"gateway/(server|demo|cli)/",
    "zttp": r"gateway/server/h2\w*\.py",
    "pydantic": r"gateway/(config|auth)/",
    "pydantic_core": r"gateway/(config|auth)/",
    "yaml": r"gateway/config/",
    "click": r"gateway/cli/",
    "prometheus_client": r"gateway/observe/",
    "opentelemetry": r"gateway/observe/",
    "websockets": r"gateway/proxy/",
}
PURE = ("gateway/policy/", "gateway/sessions/family.py", "gateway/errors.py", "gateway/reasons.py")
DOES_IO = {
    "asyncio",
    "http",
    "os",
    "pathlib",
    "select",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "urllib.request",
}

IMPORTS = [(module, line, name) for module in modules("gateway") for line, name in module.imports()]


def _foreign(name: str) -> bool:
    return name.split(".")[0] not in {*sys.stdlib_module_names, "gateway"}


def test_libraries_are_used_in_their_places_only() -> None:
    misplaced = [
        f"{module.path}:{line} imports {name}"
        for module, line, name in IMPORTS
        if _foreign(name) and not re.match(ALLOWED.get(name.split(".")[0], "$."), module.path)
    ]
    assert not misplaced


def test_policy_and_the_session_state_machine_do_no_io() -> None:
    impure = [
        f"{module.path}:{line} imports {name}"
        for module, line, name in IMPORTS
        if module.path.startswith(PURE) and (name in DOES_IO or name.rpartition(".")[0] in DOES_IO or _foreign(name))
    ]
    assert not impure


def test_floor_0_needs_the_standard_library_only() -> None:
    for module, line, name in IMPORTS:
        if module.package() in {"errors", "reasons", "clock", "principal", "secret"}:
            assert not _foreign(name), f"{module.path}:{line} imports {name}"


@pytest.mark.parametrize(
    ("library", "path", "allowed"),
    [
        ("redis", "gateway/sessions/redis_store.py", True),
        ("redis", "gateway/sessions/store.py", False),
        ("jwt", "gateway/auth/endpoints.py", False),
        ("starlette", "gateway/app.py", True),
        ("starlette", "gateway/policy/table.py", False),
    ],
)
def test_what_counts_as_a_place(library: str, path: str, allowed: bool) -> None:
    assert bool(re.match(ALLOWED[library], path)) is allowed
