"""The JSON Schema of a configuration file, for editors."""

import copy
from typing import Any, Final

from gateway.config.access_schema import ACCESS_RULE, ACCESS_SCHEMA
from gateway.config.document import Document

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Made from the models, so it names exactly the keys that a file may have."""
    schema = _without_titles(Document.model_json_schema())
    definitions = schema["$defs"]
    definitions["RouteSettings"]["properties"]["access"] |= copy.deepcopy(ACCESS_SCHEMA)
    definitions["AccessRule"] = copy.deepcopy(ACCESS_RULE)
    return {"$schema": DIALECT, "title": "Gateway configuration", **schema}


def _without_titles(schema: Any) -> Any:
    """pydantic repeats every key as a title, which editors would show instead of the description."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))
    }
