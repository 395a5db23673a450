"""Role inclusion."""

import pytest

from gateway.policy.roles import RoleGraph

GRAPH = RoleGraph({"root": ("admin",), "admin": ("editor", "auditor"), "editor": ("user",), "user": ()})


@pytest.mark.parametrize(
    ("granted", "closure"),
    [
        ((), set()),
        (("user",), {"user"}),
        (("editor",), {"editor", "user"}),
        (("root",), {"root", "admin", "editor", "auditor", "user"}),
        (("guest",), {"guest"}),
        (("auditor", "guest"), {"auditor", "guest"}),
    ],
)
def test_a_role_brings_all_it_includes(granted: tuple[str, ...], closure: set[str]) -> None:
    assert GRAPH.closure(granted) == closure


@pytest.mark.parametrize(
    ("wanted", "enough"),
    [
        (("user",), {"user", "editor", "admin", "root"}),
        (("auditor",), {"auditor", "admin", "root"}),
        (("root",), {"root"}),
        (("guest",), {"guest"}),
        (("guest", "root"), {"guest", "root"}),
        ((), set()),
    ],
)
def test_a_wanted_role_is_satisfied_by_all_that_include_it(wanted: tuple[str, ...], enough: set[str]) -> None:
    assert GRAPH.satisfying(wanted) == enough


def test_circles_end() -> None:
    circle = RoleGraph({"a": ("b",), "b": ("c",), "c": ("a",)})
    assert circle.closure(["b"]) == {"a", "b", "c"}
    assert circle.satisfying(["b"]) == {"a", "b", "c"}
