"""The node tree as data and positions: duplicate and merge keys, aliases, environment, YAML 1.1 readings."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import yaml
from pydantic_core import PydanticCustomError

from gateway.config.environment import UNSET, expand
from gateway.config.labels import label
from gateway.config.problems import Problem, Severity
from gateway.config.reading import decode
from gateway.config.scalars import BROKEN, Plain, printable, words_of
from gateway.config.source import START, Mark, Path, Source
from gateway.config.tree import DEEPEST, MOST_NODES, MappingNode, Node, ScalarNode, SequenceNode, read_tree
from gateway.config.words import HOW_TO_MAKE_ONE
from gateway.errors import ConfigError

_PREFIX: Final = "tag:yaml.org,2002:"
_DECIMAL: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}(?:[eE][-+][0-9]{1,2})?")
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_source(raw: bytes | str, name: str, environ: Mapping[str, str], *, unread: Collection[Path] = ()) -> Source:
    """Data with positions; ConfigError only when the text is no YAML mapping, all else is in `problems`.

    The leaves at `unread` are not filled in from the environment.
    """
    text = decode(raw, name) if isinstance(raw, bytes) else raw
    _refuse_control_characters(text, name)
    root = read_tree(text, name)
    source = Source(name)
    if not isinstance(root, MappingNode):
        empty = root is None or (isinstance(root, ScalarNode) and not root.text)
        message = "the file is empty" if empty else "the file must be a mapping of keys to values"
        raise ConfigError(
            [Problem(name, 1, 1, Severity.ERROR, message, "start with the keys tokens, upstreams and routes")]
        )
    source.data = _Reader(source, environ, unread).value(root, ())
    return source


class _Reader:
    """One pass over the tree; `_left` bounds what aliases can multiply (no billion laughs)."""

    def __init__(self, source: Source, environ: Mapping[str, str], unread: Collection[Path]) -> None:
        self._source = source
        self._environ = environ
        self._unread = unread
        self._resolve: Any = yaml.resolver.Resolver().resolve
        self._left = MOST_NODES

    def value(self, node: Node, path: Path) -> object:
        self._spend(node, len(path))
        self._source.values[path] = node.mark
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.items)]
        found: dict[str, object] = {}
        self._fill(found, node, path, 0)
        return found

    def _spend(self, node: Node, depth: int) -> None:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            mark = node.mark
            message = "aliases make the file too large"
            raise ConfigError([Problem(self._source.name, mark.line, mark.column, Severity.ERROR, message)])

    def _fill(self, found: dict[str, object], node: MappingNode, path: Path, depth: int) -> None:
        """Own keys first: they win over those that `<<` brings in, of which the first wins."""
        inherited = frozenset(found)
        merged: list[Node] = []
        for key_node, value_node in node.pairs:
            if isinstance(key_node, ScalarNode) and key_node.plain and key_node.text == "<<":
                merged.append(value_node)
            else:
                self._put(found, key_node, value_node, path, inherited)
        for other in merged:
            self._merge(found, other, path, depth + 1)

    def _merge(self, found: dict[str, object], node: Node, path: Path, depth: int) -> None:
        for part in node.items if isinstance(node, SequenceNode) else [node]:
            self._spend(part, depth)
            if isinstance(part, MappingNode):
                self._fill(found, part, path, depth)
            else:
                self._source.error(part.mark, "`<<` takes a mapping or a list of mappings")

    def _put(
        self,
        found: dict[str, object],
        key_node: Node,
        value_node: Node,
        path: Path,
        inherited: frozenset[str],
    ) -> None:
        if not isinstance(key_node, ScalarNode):
            self._source.error(key_node.mark, "a key must be text, not a list or a mapping")
            return
        key = self._key(key_node)
        if key in inherited:
            self._spend(value_node, 0)
        elif key in found:
            self._repeated(key, key_node.mark, (*path, key))
        else:
            self._source.keys[(*path, key)] = key_node.mark
            found[key] = self.value(value_node, (*path, key))

    def _key(self, node: ScalarNode) -> str:
        """The key's text, also where YAML would read something else (which is reported)."""
        kind = self._kind(node)
        if kind in _NAMES:
            what = printable(node.text)
            reading = str(_plain_value(kind, node.text)).lower() if kind == "bool" else _NAMES[kind]
            message = f"the key {what} is not text: unquoted, YAML reads it as {reading}"
            self._source.error(node.mark, message, f"quote it: {what}")
        return node.text

    def _repeated(self, key: str, mark: Mark, path: Path) -> None:
        first = self._source.keys.get(path, START)
        self._source.error(mark, f"the key {printable(key)} is given twice", f"it was first given in line {first.line}")

    def _scalar(self, node: ScalarNode, path: Path) -> object:
        kind = self._kind(node)
        if kind == "null":
            return None
        if kind in ("bool", "int", "float"):
            return Plain(node.text, _plain_value(kind, node.text))
        if path in self._unread:
            return node.text
        try:
            return expand(node.text, self._environ)
        except PydanticCustomError as error:
            message, hint = words_of(error)
            about = f"{label(self._source, path)}: " if path else ""
            needs_making = path == ("tokens", "secret") and error.type == UNSET
            self._source.error(node.mark, about + message, HOW_TO_MAKE_ONE if needs_making else hint)
            return BROKEN

    def _kind(self, node: ScalarNode) -> str:
        if not node.plain:
            return "str"
        tag: str = self._resolve(yaml.ScalarNode, node.text, (True, False))
        return tag.removeprefix(_PREFIX)


_NAMES: Final = {"bool": "a flag", "int": "a number", "float": "a number", "null": "nothing"}


def _plain_value(kind: str, text: str) -> bool | int | float | None:
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind == "int":
        return int(text) if _DECIMAL.fullmatch(text) else None
    return float(text) if _FLOAT.fullmatch(text) else None


def _refuse_control_characters(text: str, name: str) -> None:
    found = _FORBIDDEN.search(text)
    if found is None:
        return
    before = text[: found.start()]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    message = f"the character U+{ord(found[0]):04X} may not stand in the file"
    raise ConfigError([Problem(name, line, column, Severity.ERROR, message)])
