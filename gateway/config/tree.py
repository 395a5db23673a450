"""YAML text to a tree of marked nodes.

Built from PyYAML's events instead of `yaml.compose`: the composer over libyaml recurses without a limit
(200,000 nested `- ` end the process), and it forgets whether a tag was written or guessed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from gateway.config.problems import Problem, Severity
from gateway.config.scalars import printable
from gateway.config.source import START, Mark
from gateway.errors import ConfigError

DEEPEST: Final = 64
MOST_NODES: Final = 1_000_000
_TEXT_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})
_COLLECTION_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
# A path template outside quotes; inside { } its braces end the mapping too early.
_PLAIN_TEMPLATE: Final = re.compile(r":\s+(/[^\s\"',{}]*\{[A-Za-z0-9_]{1,60}\}[^\s\"',{}]*)")


@dataclass(slots=True)
class ScalarNode:
    """`plain` is true when neither quotes nor a tag say that this is text."""

    mark: Mark
    text: str
    plain: bool


@dataclass(slots=True)
class SequenceNode:
    """A list."""

    mark: Mark
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class MappingNode:
    """A mapping as written: order and repetitions kept."""

    mark: Mark
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)


Node = ScalarNode | SequenceNode | MappingNode


def read_tree(text: str, name: str) -> Node | None:
    """The only document in `text`; None when it is empty, ConfigError at the first fault of syntax."""
    try:
        return _Builder(_events(text), name).document()
    except yaml.MarkedYAMLError as error:
        mark = _mark(error.problem_mark) if error.problem_mark else START
        raise _refusal(name, mark, f"not valid YAML: {_sentence(error)}", _syntax_hint(text, mark)) from None
    except yaml.YAMLError:
        raise _refusal(name, START, "not valid YAML", "") from None


class _Builder:
    def __init__(self, events: Iterator[Any], name: str) -> None:
        self._events = events
        self._name = name
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self._error(event, "there is a second document", "keep one; remove the line `---`")
                root = self._node(next(self._events), 0)
        return root

    def _node(self, event: Any, depth: int) -> Node:
        self._count += 1
        if depth > DEEPEST or self._count > MOST_NODES:
            raise self._error(event, "the file is too deeply nested or too large")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._remember(event, self._scalar(event))
        return self._remember(event, self._collection(event, depth))

    def _scalar(self, event: Any) -> ScalarNode:
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            raise self._error(event, "YAML tags are not supported", "remove the word that starts with `!`")
        return ScalarNode(_mark(event.start_mark), event.value, event.tag is None and event.implicit[0])

    def _collection(self, event: Any, depth: int) -> Node:
        if event.tag is not None and event.tag not in _COLLECTION_TAGS:
            raise self._error(event, "YAML tags are not supported", "remove the word that starts with `!`")
        if isinstance(event, yaml.SequenceStartEvent):
            return SequenceNode(_mark(event.start_mark), list(self._items(depth + 1)))
        inside = self._items(depth + 1)
        return MappingNode(_mark(event.start_mark), [(key, next(inside)) for key in inside])

    def _items(self, depth: int) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                return
            yield self._node(event, depth)

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise self._error(event, f"the alias {printable('*' + event.anchor)} has no anchor before it")
        return node

    def _remember(self, event: Any, node: Node) -> Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _error(self, event: Any, message: str, hint: str = "") -> ConfigError:
        return _refusal(self._name, _mark(event.start_mark), message, hint)


def _events(text: str) -> Iterator[Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(yaml.parse(text, Loader=loader))


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def _refusal(name: str, mark: Mark, message: str, hint: str) -> ConfigError:
    return ConfigError([Problem(name, mark.line, mark.column, Severity.ERROR, message, hint)])


def _sentence(error: yaml.MarkedYAMLError) -> str:
    """libyaml's words are constants; the pure Python parser quotes the file: that part is cut off."""
    said = str(error.problem or "it cannot be read")
    if hasattr(yaml, "CSafeLoader"):
        return said
    return said.split("'")[0].split('"')[0].rstrip(" ,")


def _syntax_hint(text: str, mark: Mark) -> str:
    lines = text.splitlines()
    near = lines[max(0, mark.line - 2) : mark.line]
    if any("\t" in line for line in near):
        return "indent with spaces, not tabs"
    for line in near:
        if template := _PLAIN_TEMPLATE.search(line):
            return f'quote it: "{template[1]}"'
    if any("${" in line and "{" in line.replace("${", "") for line in near):
        return 'inside { } put ${...} in quotes: "${NAME}"'
    return ""
