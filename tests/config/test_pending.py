"""Keys that are not in force are refused, and leaving them out never needs them."""

import pytest

from gateway.config.document import Document
from gateway.config.pending import NOT_YET, not_in_force, partly_in_force
from tests.support.configs import MINIMAL, loaded


def test_no_default_asks_for_what_is_not_available() -> None:
    assert loaded(MINIMAL).warnings == ()


@pytest.mark.parametrize("entry", NOT_YET, ids=lambda entry: f"{entry.path} {entry.what}".strip())
def test_the_table_names_keys_that_exist(entry: object) -> None:
    path = entry.path  # type: ignore[attr-defined]
    schema = Document.model_json_schema()
    node = schema
    for step in path.split("."):
        while "$ref" in node or "anyOf" in node:
            options = [one for one in node.get("anyOf", [node]) if "$ref" in one]
            node = schema["$defs"][options[0]["$ref"].rpartition("/")[2]]
        node = (node.get("additionalProperties") or node["items"]) if step == "*" else node["properties"][step]
    assert node


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        (("server", "selftest"), True),
        (("accounts", "throttle", "login_account"), True),
        (("tokens", "keys", "x"), True),
        (("tokens", "algorithm"), False),
        (("server", "listen"), False),
    ],
)
def test_keys_below_a_missing_key_are_missing_too(path: tuple[str, ...], missing: bool) -> None:
    assert not_in_force(path) is missing


def test_some_keys_are_missing_in_part() -> None:
    assert partly_in_force(("sessions", "store")) == "a store behind Redis Sentinel, a store on Redis Cluster"
    assert partly_in_force(("server", "listen")) == ""
