"""Path and host patterns as the configuration writes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from gateway.errors import GatewayError, Refusal
from gateway.policy.host import read_host

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f?#\\]|%[0-9A-Fa-f]{2}")
_SPECIAL = re.compile(r"[*{}]")
_LONGEST_PATH = 64  # segments; the tree is walked as deep as its longest pattern.
_NO_PARAMS: Mapping[str, str] = MappingProxyType({})


class PatternError(GatewayError):
    """A pattern that cannot be read. `offset` counts characters into the pattern's text."""

    def __init__(self, why: str, offset: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Param:
    """A `{name}` segment: exactly one segment, never an empty one."""

    name: str


@dataclass(frozen=True, slots=True)
class PathPattern:
    """`/a` exact, `/a/{id}` one segment, `/a/**` everything under `/a` on a segment boundary and `/a`.

    Patterns are written decoded and compared with decoded segments. `/a/` is the exact path with the slash.
    """

    text: str
    parts: tuple[str | Param, ...]
    rest: bool
    captures: tuple[tuple[str, int], ...]

    @classmethod
    def parse(cls, text: str) -> "PathPattern":
        """Read a pattern; `PatternError` says what is wrong and where."""
        if not text.startswith("/"):
            raise PatternError("a path starts with '/'", 0)
        if bad := _FORBIDDEN.search(text):
            raise PatternError(_forbidden(bad.group()), bad.start())
        pieces = text[1:].split("/")
        rest = pieces[-1] == "**"
        parts = _parts(pieces[:-1] if rest else pieces, ends=not rest)
        captures = tuple((part.name, i) for i, part in enumerate(parts) if isinstance(part, Param))
        return cls(text, parts, rest, captures)

    def params(self, segments: tuple[str, ...]) -> Mapping[str, str]:
        """The values of the parameters in segments that this pattern matches."""
        if not self.captures:
            return _NO_PARAMS
        return {name: segments[index] for name, index in self.captures}

    def matches(self, segments: tuple[str, ...]) -> bool:
        """Whether this pattern, seen alone, takes the path; a table answers that for all patterns at once."""
        if len(segments) < len(self.parts) or (len(segments) > len(self.parts) and not self.rest):
            return False
        return all(
            segment != "" if isinstance(part, Param) else segment == part
            for part, segment in zip(self.parts, segments, strict=False)
        )

    def shape(self) -> tuple[tuple[int, str], ...]:
        """Sorts by specificity, and is equal for patterns that take the same paths: names do not count."""
        shape = tuple((1, "") if isinstance(part, Param) else (0, part) for part in self.parts)
        return (*shape, (2, "")) if self.rest else shape


@dataclass(frozen=True, slots=True)
class HostPattern:
    """A host, or with `wildcard` every host that has one or more labels in front of `name`."""

    name: str
    wildcard: bool = False
    ANY_ORDER: ClassVar[tuple[int, int, str]] = (2, 0, "")

    @classmethod
    def parse(cls, text: str) -> "HostPattern":
        """Read `host` or `*.suffix`, in any case; `PatternError` for a port or anything else."""
        wildcard = text.startswith("*.")
        name = text[2:] if wildcard else text
        try:
            host = read_host(name.encode("utf-8"))
        except Refusal:
            raise PatternError("a host is a name such as 'api.example' or '*.example'", 0) from None
        if ":" in name and not name.endswith("]"):
            raise PatternError("a host pattern has no port", text.rindex(":"))
        if wildcard and host.startswith("["):
            raise PatternError("an address has no wildcard", 0)
        return cls(host, wildcard)

    def matches(self, host: str) -> bool:
        """Whether a host as `read_host` gives it is meant."""
        return host.endswith("." + self.name) if self.wildcard else host == self.name

    def order(self) -> tuple[int, int, str]:
        """Sorts by specificity: exact first, then wildcards with more labels before those with fewer."""
        return (1, -self.name.count("."), self.name) if self.wildcard else (0, 0, self.name)

    def __str__(self) -> str:
        return f"*.{self.name}" if self.wildcard else self.name


def _forbidden(found: str) -> str:
    if found in "?#":
        return f"a path pattern has no '{found}': queries and fragments never select a route"
    if found.startswith("%"):
        return "write the path decoded, without %-escapes"
    return "a path pattern has no backslash or control character"


def _parts(pieces: list[str], *, ends: bool) -> tuple[str | Param, ...]:
    if len(pieces) > _LONGEST_PATH:
        raise PatternError(f"more than {_LONGEST_PATH} segments", 0)
    parts: list[str | Param] = []
    offset = 1
    for index, piece in enumerate(pieces):
        last = ends and index == len(pieces) - 1
        if piece == "" and not last:
            raise PatternError("an empty segment", offset)
        part = _part(piece, offset)
        if isinstance(part, Param) and part in parts:
            raise PatternError(f"the parameter '{part.name}' is there twice", offset)
        parts.append(part)
        offset += len(piece) + 1
    return tuple(parts)


def _part(piece: str, offset: int) -> str | Param:
    if piece.startswith("{") and piece.endswith("}"):
        if _NAME.fullmatch(piece[1:-1]) is None:
            raise PatternError("a parameter is named with letters, digits and '_'", offset + 1)
        return Param(piece[1:-1])
    if piece.strip() in (".", ".."):
        raise PatternError("a dot segment never reaches a route", offset)
    if sign := _SPECIAL.search(piece):
        why = "'**' stands alone, as the last segment" if sign.group() == "*" else "a parameter is a whole segment"
        raise PatternError(why, offset + sign.start())
    return piece
