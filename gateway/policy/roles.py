"""Which roles include which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RoleGraph:
    """`includes` maps a role to those it directly includes; inclusion reaches through, circles do no harm."""

    includes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def closure(self, roles: Iterable[str]) -> frozenset[str]:
        """The roles given and all that they include."""
        found: set[str] = set()
        pending = list(roles)
        while pending:
            role = pending.pop()
            if role not in found:
                found.add(role)
                pending.extend(self.includes.get(role, ()))
        return frozenset(found)

    def satisfying(self, wanted: Iterable[str]) -> frozenset[str]:
        """Every role that is enough where any of `wanted` is asked for, so that a check needs no walk."""
        asked = frozenset(wanted)
        return asked | {role for role in self.includes if self.closure((role,)) & asked}
