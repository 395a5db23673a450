"""Rules of the house that no linter has."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source import Module, modules

FILE_LINES, FUNCTION_LINES = 300, 50
PRODUCT = modules("gateway")
EVERYTHING = PRODUCT + modules("tests")

LYING = {f"{name}.{url}" for name in ("request", "websocket", "connection") for url in ("url", "base_url")}
MARKER = re.compile("#.*\\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + ")\\b")

Rule = Callable[[Module], Iterator[int]]


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _long_functions(module: Module) -> Iterator[int]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lines(node) > FUNCTION_LINES:
            yield node.lineno


def _long_file(module: Module) -> Iterator[int]:
    lines = module.text.count("\n")
    if lines > FILE_LINES:
        yield lines


def _relative_imports(module: Module) -> Iterator[int]:
    yield from (n.lineno for n in ast.walk(module.tree) if isinstance(n, ast.ImportFrom) and n.level)


def _star_imports(module: Module) -> Iterator[int]:
    yield from (line for line, name in module.imports() if name.endswith(".*"))


def _base_http_middleware(module: Module) -> Iterator[int]:
    """It never sees WebSockets, hides disconnects and breaks streams."""
    for node in ast.walk(module.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
        if "BaseHTTPMiddleware" in names or (isinstance(node, ast.Attribute) and node.attr == "BaseHTTPMiddleware"):
            yield node.lineno  # type: ignore[attr-defined]


def _request_url(module: Module) -> Iterator[int]:
    """It is rebuilt from the `Host` header (CVE-2026-48710): what it says of the path may be a lie."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in LYING:
            yield node.lineno


def _asserts(module: Module) -> Iterator[int]:
    """They vanish with -O."""
    yield from (node.lineno for node in ast.walk(module.tree) if isinstance(node, ast.Assert))


def _unfinished(module: Module) -> Iterator[int]:
    for number, line in enumerate(module.text.splitlines(), 1):
        if MARKER.search(line):
            yield number


def _undocumented(module: Module) -> Iterator[int]:
    if ast.get_docstring(module.tree) is None and module.text.strip():
        yield 1


FOR_ALL: dict[str, Rule] = {
    "no file over 300 lines": _long_file,
    "no function over 50 lines": _long_functions,
    "absolute imports": _relative_imports,
    "no star imports": _star_imports,
    "nothing unfinished": _unfinished,
    "a docstring says what the module is for": _undocumented,
}
FOR_THE_PRODUCT: dict[str, Rule] = {
    "pure ASGI middleware": _base_http_middleware,
    "no request.url": _request_url,
    "no assert": _asserts,
}
BROKEN: dict[str, str] = {
    "no file over 300 lines": "'x'\n" * 301,
    "no function over 50 lines": "def f():\n" + "    f()\n" * 50,
    "absolute imports": "from . import x",
    "no star imports": "from os import *",
    "nothing unfinished": "x = 1  # " + "TO" + "DO later",
    "a docstring says what the module is for": "x = 1",
    "pure ASGI middleware": "from starlette.middleware.base import BaseHTTPMiddleware",
    "no request.url": "path = request.url.path",
    "no assert": "assert True",
}


@pytest.mark.parametrize("rule", FOR_ALL.values(), ids=FOR_ALL)
def test_everywhere(rule: Rule) -> None:
    assert not [f"{module.path}:{line}" for module in EVERYTHING for line in rule(module)]


@pytest.mark.parametrize("rule", FOR_THE_PRODUCT.values(), ids=FOR_THE_PRODUCT)
def test_in_the_product(rule: Rule) -> None:
    assert not [f"{module.path}:{line}" for module in PRODUCT for line in rule(module)]


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_notices(name: str) -> None:
    rule = {**FOR_ALL, **FOR_THE_PRODUCT}[name]
    assert list(rule(Module("gateway.broken", "gateway/broken.py", BROKEN[name])))
    assert not list(rule(Module("gateway.fine", "gateway/fine.py", '"""Fine."""\n')))


def test_no_module_is_a_drawer() -> None:
    names = {module.name.rpartition(".")[2] for module in EVERYTHING}
    assert not names & {"utils", "util", "helpers", "misc", "stuff"}


def test_test_files_carry_no_package_marker() -> None:
    assert not [module.path for module in modules("tests") if module.is_package]
