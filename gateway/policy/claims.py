"""Claims of a verified token, compared without conversions."""

from collections.abc import Mapping
from typing import Any

Scalar = str | int | float | bool | None


class Absent:
    """The type of what a missing claim has for a value: equal to nothing a policy can name."""


ABSENT = Absent()


def find_claim(claims: Mapping[str, Any], name: str) -> object:
    """The claim called `name`, else the one its dots lead to (`realm_access.roles`), else `ABSENT`.

    A claim of exactly that name goes first, because names may be URLs (RFC 7519 4.2).
    """
    if name in claims:
        return claims[name]
    value: object = claims
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return ABSENT
        value = value[key]
    return value


def same_value(seen: object, wanted: Scalar) -> bool:
    """Equal in value and in type: `true` is not 1, and 1 is not "1"."""
    return type(seen) is type(wanted) and seen == wanted
