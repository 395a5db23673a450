"""`access:` from data to policy clauses, each finding at its own place.

A reader of its own instead of a model: the grammar is recursive, and what a clause may say depends on the
roles of the file and on the parameters of the route's path.
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Final

from pydantic_core import PydanticCustomError

from gateway.config.labels import label
from gateway.config.pending import CLAUSES_NOT_YET
from gateway.config.scalars import BROKEN, Plain, from_environment, printable, shown, words_of
from gateway.config.source import Path, Source, did_you_mean
from gateway.config.words import read_filled_text
from gateway.policy.access import (
    Access,
    AccessAuthenticated,
    AccessOptional,
    AccessPublic,
    AccessRequires,
    AllOf,
    AnyOf,
    Claim,
    Clause,
    Not,
    Owner,
    Roles,
    Scopes,
)
from gateway.policy.claims import Scalar
from gateway.policy.roles import RoleGraph

_WORDS: Final[Mapping[str, Access]] = {
    "public": AccessPublic(),
    "optional": AccessOptional(),
    "authenticated": AccessAuthenticated(),
}
_EXAMPLE: Final = "write public, optional, authenticated, or conditions such as {roles: [admin]}"


class AccessReader:
    """Reads the `access` of one route; None stands for a clause that was refused."""

    def __init__(self, source: Source, roles: RoleGraph, params: frozenset[str]) -> None:
        self._source = source
        self._roles = roles
        self._params = params
        self._clauses: Mapping[str, Callable[[Path, object], Clause | None]] = {
            "roles": self._of_roles,
            "scopes": self._of_scopes,
            "claims": self._of_claims,
            "owner": self._of_owner,
            "any": lambda path, value: self._of_list(path, value, AnyOf),
            "all": lambda path, value: self._of_list(path, value, AllOf),
            "not": self._of_not,
        }

    def read(self, path: Path) -> Access | None:
        """The whole of it."""
        value = self._source.at(path)
        if isinstance(value, str) and value in _WORDS:
            return _WORDS[value]
        if isinstance(value, dict):
            clause = self._mapping(path, value)
            return None if clause is None else AccessRequires(clause)
        if value is not BROKEN:
            self._error(path, f"{shown(value)} is no access rule", _EXAMPLE + self._near_word(value))
        return None

    def _near_word(self, value: object) -> str:
        known = isinstance(value, str) and not from_environment(value)
        near = difflib.get_close_matches(str(value), _WORDS, n=1) if known else []
        return f" (did you mean {printable(near[0])}?)" if near else ""

    def _mapping(self, path: Path, value: object) -> Clause | None:
        if not isinstance(value, dict) or not value:
            self._error(path, "must be a mapping of conditions, and not empty", "such as {roles: [admin]}")
            return None
        found = [self._clause((*path, key), key, part) for key, part in value.items()]
        clauses = tuple(clause for clause in found if clause is not None)
        if len(clauses) < len(found):
            return None
        return clauses[0] if len(clauses) == 1 else AllOf(clauses)

    def _clause(self, path: Path, key: str, value: object) -> Clause | None:
        if value is BROKEN:
            return None
        if key in self._clauses:
            return self._clauses[key](path, value)
        mark = self._source.key_mark(path)
        about = label(self._source, path[:2])
        if key in CLAUSES_NOT_YET:
            self._source.error(mark, f"{about}: access by `{key}` is not available yet", "leave the key out")
        else:
            hint = did_you_mean(key, self._clauses, "conditions")
            self._source.error(mark, f"{about}: unknown condition {printable(key)}", hint)
        return None

    def _of_roles(self, path: Path, value: object) -> Clause | None:
        names = self._texts(path, value, "such as [admin]; any one of the roles is enough")
        unknown = [(at, name) for at, name in names or () if name not in self._roles.includes]
        for at, name in unknown:
            shown_name = shown(self._source.at(at))
            hint = (
                "" if from_environment(self._source.at(at)) else did_you_mean(name, self._roles.includes, "known roles")
            )
            self._error(at, f"unknown role {shown_name}", hint)
        if names is None or unknown:
            return None
        return Roles.any_of([name for _, name in names], self._roles)

    def _of_scopes(self, path: Path, value: object) -> Clause | None:
        names = self._texts(path, value, "such as [orders:read]; all of the scopes are asked for")
        return None if names is None else Scopes(tuple(name for _, name in names))

    def _of_claims(self, path: Path, value: object) -> Clause | None:
        if not isinstance(value, dict) or not value:
            self._error(path, "must be a mapping of claims to values, and not empty", "such as {tenant: acme}")
            return None
        found = [(name, self._claim_values((*path, name), wanted)) for name, wanted in value.items()]
        claims = tuple(Claim(name, values) for name, values in found if values)
        if len(claims) < len(found):
            return None
        return claims[0] if len(claims) == 1 else AllOf(claims)

    def _claim_values(self, path: Path, value: object) -> tuple[Scalar, ...]:
        if value == [] or isinstance(value, dict):
            self._error(path, "must be a value, or a list of accepted values")
            return ()
        places = [((*path, i), item) for i, item in enumerate(value)] if isinstance(value, list) else [(path, value)]
        fit = [(at, item) for at, item in places if self._is_claim_value(at, item)]
        if len(fit) < len(places):
            return ()
        return tuple(item.value if isinstance(item, Plain) else _scalar(item) for _, item in fit)

    def _is_claim_value(self, path: Path, value: object) -> bool:
        if isinstance(value, dict | list):
            self._error(path, "must be text, a number, true, false or null")
        elif isinstance(value, Plain) and (value.value is None or _is_trap(value)):
            hint = f'quote it if text is meant: "{value.written}"'
            self._error(path, f"YAML reads {value.written} as something else than it says", hint)
        elif isinstance(value, str) and not value.strip():
            self._error(path, "must not be empty")
        else:
            return value is not BROKEN
        return False

    def _of_owner(self, path: Path, value: object) -> Clause | None:
        name = self._text(path, value)
        if name is None:
            return None
        if name not in self._params:
            hint = "" if from_environment(value) else did_you_mean(name, self._params, "parameters of the path")
            self._error(path, f"{shown(value)} is not a parameter of the path", hint)
            return None
        return Owner(name)

    def _of_list(self, path: Path, value: object, combine: Callable[[tuple[Clause, ...]], Clause]) -> Clause | None:
        if not isinstance(value, list) or not value:
            self._error(path, "must be a list of conditions, and not empty", "such as [{roles: [admin]}]")
            return None
        found = [self._mapping((*path, index), item) for index, item in enumerate(value)]
        clauses = tuple(clause for clause in found if clause is not None)
        return combine(clauses) if len(clauses) == len(found) else None

    def _of_not(self, path: Path, value: object) -> Clause | None:
        clause = self._mapping(path, value)
        return None if clause is None else Not(clause)

    def _texts(self, path: Path, value: object, hint: str) -> list[tuple[Path, str]] | None:
        if not isinstance(value, list) or not value:
            self._error(path, "must be a list, and not empty", hint)
            return None
        places: list[Path] = [(*path, index) for index in range(len(value))]
        found = [(at, self._text(at, item)) for at, item in zip(places, value, strict=True)]
        fit = [(at, text) for at, text in found if text is not None]
        return fit if len(fit) == len(found) else None

    def _text(self, path: Path, value: object) -> str | None:
        if value is BROKEN:
            return None
        try:
            return read_filled_text(value)
        except PydanticCustomError as error:
            self._error(path, *words_of(error))
            return None

    def _error(self, path: Path, message: str, hint: str = "") -> None:
        self._source.error(path, f"{label(self._source, path)}: {message}", hint)


def _scalar(value: object) -> Scalar:
    return str(value) if isinstance(value, str) else None


def _is_trap(value: Plain) -> bool:
    """`no` and its like: YAML 1.1 booleans that are words."""
    return isinstance(value.value, bool) and value.written.lower() not in ("true", "false")
