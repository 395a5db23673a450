"""The JSON Schema of `access`, which `access` reads itself because of its positions and its recursion."""

from typing import Any, Final

_NAMES: Final = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_NESTED: Final = {"$ref": "#/$defs/AccessRule"}
_SCALAR: Final = {"type": ["string", "number", "boolean", "null"]}

ACCESS_RULE: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Holds when all its keys hold.",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "roles": {**_NAMES, "description": "Any of these roles."},
        "scopes": {**_NAMES, "description": "All of these scopes."},
        "claims": {
            "type": "object",
            "minProperties": 1,
            "description": "Claim to value, or to a list of accepted values.",
            "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]},
        },
        "owner": {"type": "string", "description": "The path parameter that equals the caller's user_id."},
        "issuer": {"type": "string", "description": "The issuer of the token."},
        "any": {"type": "array", "items": _NESTED, "minItems": 1, "description": "One of these holds."},
        "all": {"type": "array", "items": _NESTED, "minItems": 1, "description": "All of these hold."},
        "not": {**_NESTED, "description": "This does not hold."},
    },
}
ACCESS_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"enum": ["public", "optional", "authenticated"]}, _NESTED],
}
