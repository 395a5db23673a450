"""Imports point down: a package uses the floors below its own, and no neighbour on it."""

import graphlib

import pytest

from tests.architecture.source import Module, modules

FLOORS: dict[int, str] = {
    0: "gateway faults errors reasons clock principal secret reading writes databases",
    1: "policy tokens",
    2: "config sessions accounts observe context asgi",
    3: "proxy",
    4: "auth middleware admin",
    5: "app lifespan outage parts server upstreams",
    6: "cli demo __main__",
}
FLOOR_OF = {package: floor for floor, packages in FLOORS.items() for package in packages.split()}
NEIGHBOURS_ALLOWED = {0, 5, 6}
"""Floor 0 is one vocabulary in several files, floor 5 one composition root, and the verbs start the demo."""

MODULES = modules("gateway")
NAMES = {module.name for module in MODULES}


def _package_of(imported: str) -> str:
    """The package that an import of something in `gateway` leads to."""
    parts = imported.split(".")
    return parts[1] if f"gateway.{parts[1]}" in NAMES else "gateway"


def _own_imports(module: Module) -> list[tuple[int, str]]:
    return [(line, name) for line, name in module.imports() if name.split(".")[0] == "gateway" and "." in name]


def _points_up(package: str, other: str) -> bool:
    floor, below = FLOOR_OF[package], FLOOR_OF[other]
    if package == other:
        return False
    return below > floor or (below == floor and floor not in NEIGHBOURS_ALLOWED)


def test_the_source_was_found() -> None:
    assert len(MODULES) > 30
    assert {"gateway.errors", "gateway.policy.table"} <= NAMES


def test_every_package_has_a_floor() -> None:
    assert {module.package() for module in MODULES} - FLOOR_OF.keys() == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_imports_point_down(module: Module) -> None:
    upward = [
        f"{module.path}:{line} imports {name}"
        for line, name in _own_imports(module)
        if _points_up(module.package(), _package_of(name))
    ]
    assert not upward


def test_no_module_needs_itself() -> None:
    graph = {module.name: set[str]() for module in MODULES}
    for module in MODULES:
        for _, name in _own_imports(module):
            needed = name if name in NAMES else name.rpartition(".")[0]
            if needed in NAMES and needed != module.name:
                graph[module.name].add(needed)
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)


@pytest.mark.parametrize(
    ("package", "other", "upward"),
    [
        ("policy", "errors", False),
        ("policy", "policy", False),
        ("policy", "tokens", True),
        ("policy", "config", True),
        ("errors", "reasons", False),
        ("middleware", "auth", True),
        ("app", "auth", False),
    ],
)
def test_what_counts_as_upward(package: str, other: str, upward: bool) -> None:
    assert _points_up(package, other) is upward
