"""Whatever the text is: a ConfigError or settings, never anything else, and never a secret in a message."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import Problem, load_text
from gateway.config.document import Document
from gateway.errors import ConfigError
from tests.support.configs import MINIMAL, refused

PLANTED = "hunter2hunter2"
ENVIRON = {"JWT_SECRET_KEY": PLANTED, "LEAK": PLANTED}


def outcome(raw: bytes | str) -> str:
    """All that is said about a text."""
    try:
        problems = load_text(raw, "config.yaml", ENVIRON, Path("/nonexistent")).warnings
    except ConfigError as error:
        problems = tuple(problem for problem in error.problems if isinstance(problem, Problem))
        assert problems
    return "\n".join(problem.render() + json.dumps(problem.to_json()) for problem in problems)


def keys() -> list[str]:
    """Every key there is, so that nested data gets past the first level."""
    found: set[str] = set()
    definitions = [Document.model_json_schema(), *Document.model_json_schema()["$defs"].values()]
    for definition in definitions:
        found.update(definition["properties"])
    return sorted(found | {"roles", "claims", "any", "all", "not", "owner", "scopes", "orders", "<<", "no"})


LEAVES = st.sampled_from(
    ["${LEAK}", "x${LEAK}y", "${NO}", "public", "/a/**", "orders", "GET", "no", "12:30", "~", "5", "10s", "1MiB", ""]
)
TREES = st.recursive(
    LEAVES,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(keys()), inside, max_size=4),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_arbitrary_text_is_refused_in_words(raw: bytes | str) -> None:
    assert isinstance(outcome(raw), str)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(Document.model_fields)), TREES, max_size=6))
def test_arbitrary_sections_never_show_the_environment(data: dict[str, object]) -> None:
    assert PLANTED not in outcome(json.dumps(data))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(Document.model_fields)), TREES, max_size=6))
def test_arbitrary_unquoted_sections_never_show_the_environment(data: dict[str, object]) -> None:
    assert PLANTED not in outcome(json.dumps(data).replace('"', ""))


SECRET_PLACES = [
    "tokens: {secret: VALUE}",
    "tokens: VALUE",
    "tokens: {secret: [VALUE]}",
    "sessions: {store: VALUE}",
    "sessions: {store: 'redis+cluster://VALUE'}",
    "accounts: {database: VALUE, bootstrap_admin: {email: a@b.c, password: VALUE}}",
    "accounts: {bootstrap_admin: VALUE}",
    "upstreams: {a: {targets: ['http://u:VALUE@h']}}",
    "routes: [{name: a, path: /a, headers: {request: {add: {X-Key: [VALUE]}}}}]",
]


@pytest.mark.parametrize("place", SECRET_PLACES)
@pytest.mark.parametrize(
    "value", [PLANTED, f'"{PLANTED}"', f"!secret {PLANTED}", f"[{PLANTED}", f'"{PLANTED}', "*" + "x"]
)
def test_a_secret_written_into_the_file_is_never_shown(place: str, value: str) -> None:
    assert PLANTED not in outcome(place.replace("VALUE", value))


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 100_000, "- " * 200_000, "? " * 100_000, "a: &a [*a]", "&a a: *a", "*a", "<<: *a"],
    ids=["flow lists", "flow mappings", "block lists", "keys", "circle", "anchor on a key", "alias", "merge"],
)
def test_deep_and_circular_texts_are_refused_quickly(text: str) -> None:
    started = time.monotonic()
    assert outcome(text)
    assert time.monotonic() - started < 2


def test_aliases_cannot_multiply_without_bound() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    assert "aliases make the file too large" in outcome(laughs)


def test_merge_keys_cannot_multiply_without_bound() -> None:
    merges = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, 3000))
    assert "aliases make the file too large" in outcome(merges)


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [
        (b"a: 1\nb: \xff\n", 2, 4),
        ("a: 1\nb: ä\x07\n", 2, 5),
        (b"\xef\xbb\xbfa: [\n", 2, 1),
        ("a: 'x\n", 2, 1),
    ],
    ids=["not UTF-8", "control character", "byte order mark", "open quote"],
)
def test_faults_of_the_text_have_their_place(raw: bytes | str, line: int, column: int) -> None:
    with pytest.raises(ConfigError) as error:
        load_text(raw, "config.yaml", {}, Path())
    (problem,) = error.value.problems
    assert isinstance(problem, Problem)
    assert (problem.line, problem.column) == (line, column)


def test_a_file_that_is_too_large_is_refused() -> None:
    assert "larger than 16 MiB" in outcome(b"#" * (16 * 1024 * 1024 + 1))


def test_messages_hold_nothing_a_terminal_acts_on() -> None:
    (problem,) = refused(MINIMAL + '"\\e[2J\\u202e": 1\n')
    assert problem.message.isprintable()
