"""The schema and the reference name exactly what the models take."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.config import fields
from gateway.config.effective import effective
from gateway.config.reference import render
from gateway.config.schema import json_schema
from tests.support.configs import MINIMAL, SECRET, loaded

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "configuration.md"


def models(model: type[BaseModel] = fields.Section) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from models(child)


def test_the_reference_is_up_to_date() -> None:
    command = "run `python -m gateway.config.reference > docs/configuration.md`"
    assert REFERENCE.read_text(encoding="utf-8") == render(), command


@pytest.mark.parametrize("model", list(models()), ids=str)
def test_every_key_is_described_in_a_sentence(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description[0].isupper() or field.description[0] == "`", name
        assert field.description.endswith("."), name


def test_the_schema_refuses_unknown_keys_everywhere() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    for name, definition in schema["$defs"].items():
        assert definition["additionalProperties"] is False, name
    assert set(schema["required"]) == {"tokens", "upstreams", "routes"}


def test_the_schema_has_no_dangling_references() -> None:
    schema = json_schema()
    assert {ref.rpartition("/")[2] for ref in references(schema)} <= set(schema["$defs"])
    assert "#/$defs/AccessRule" in references(schema)


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for item in node.values() for found in references(item)]


def test_the_schema_shows_defaults_as_the_file_writes_them() -> None:
    properties = json_schema()["$defs"]["TokenSettings"]["properties"]
    assert properties["access_ttl"]["default"] == "30m"


def test_every_value_in_force_says_where_it_comes_from() -> None:
    text = MINIMAL + "server: {listen: '${HOST:-0.0.0.0}:${PORT}', workers: 2}\n"
    found = {entry.key: entry for entry in effective(loaded(text, {"JWT_SECRET_KEY": SECRET, "PORT": "80"}))}
    assert (found["server.listen"].value, found["server.listen"].origin) == ("0.0.0.0:80", "environment PORT")
    assert (found["server.workers"].value, found["server.workers"].origin) == (2, "config.yaml:6")
    assert (found["server.drain"].value, found["server.drain"].origin) == ("20s", "default")
    assert (found["tokens.secret"].value, found["tokens.secret"].origin) == ("…", "environment JWT_SECRET_KEY")
    assert found["roles.admin.includes"].value == ["user"]
    assert "server.selftest" not in found


def test_effective_values_show_no_secret() -> None:
    text = (
        MINIMAL
        + "sessions: {store: 'redis://:hunter2@cache'}\n"
        + ("accounts: {bootstrap_admin: {email: a@b.example, password: hunter2hunter2}}\n")
    )
    text = text.replace("upstream: orders}", "upstream: orders, headers: {request: {add: {X-Key: '${KEY}'}}}}")
    entries = effective(loaded(text, {"JWT_SECRET_KEY": SECRET, "KEY": "hunter2"}))
    printed = repr(entries)
    assert "hunter2" not in printed
    assert SECRET not in printed
    assert {entry.key: entry.value for entry in entries}["routes.1.headers.request.add.X-Key"] == "…"
