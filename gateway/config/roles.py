"""`roles:` as an inclusion graph."""

from collections.abc import Mapping

from gateway.config.document import DEFAULT_ROLES
from gateway.config.models_accounts import RoleSettings
from gateway.config.source import Source, did_you_mean
from gateway.policy.roles import RoleGraph


def build_roles(source: Source, found: Mapping[str, RoleSettings | None] | None) -> RoleGraph:
    """The roles of the file, and the two that the gateway itself gives out (admin includes user).

    Unknown roles and circles are reported: a circle would make its roles one and the same.
    """
    includes = {name: tuple(role.get("includes", ())) for name, role in DEFAULT_ROLES.items()}
    includes |= {name: role.includes if role else () for name, role in (found or {}).items()}
    for name, wanted in includes.items():
        for index, other in enumerate(wanted):
            if other not in includes:
                path = ("roles", name, "includes", index)
                hint = did_you_mean(other, includes, "known roles")
                source.error(path, f'role "{name}": unknown role "{other}"', hint)
    _refuse_circles(source, includes)
    return RoleGraph(includes)


def _refuse_circles(source: Source, includes: Mapping[str, tuple[str, ...]]) -> None:
    graph = RoleGraph(includes)
    reported: set[str] = set()
    for name, wanted in includes.items():
        if name not in reported and name in graph.closure(wanted):
            circle = sorted(other for other in graph.closure(wanted) if name in graph.closure(includes.get(other, ())))
            reported.update(circle)
            message = f'role "{name}" includes itself, through {", ".join(circle)}'
            source.error(("roles", name, "includes"), message, "remove one of these inclusions")
