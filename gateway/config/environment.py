"""`${NAME}` and `${NAME:-default}` inside a scalar, filled in from the environment.

As in a shell, the default also stands in for a variable that is set but empty. `$${` is a literal `${`.
"""

import re
from collections.abc import Mapping
from typing import Final

from pydantic_core import PydanticCustomError

from gateway.config.scalars import Expanded, unfit

_REFERENCE: Final = re.compile(
    r"(?P<literal>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<bad>\$\{)"
)


UNSET: Final = "unset"
"""The type of the error of a variable that has neither a value nor a default; otherwise as `unfit`."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}(?![A-Za-z0-9_])")


def expand(text: str, environ: Mapping[str, str]) -> str:
    """`text` itself when it has no reference, else an `Expanded`; `unfit` names an unset variable."""
    if "${" not in text:
        return text
    used: list[str] = []

    def fill(found: re.Match[str]) -> str:
        if found["literal"]:
            return "${"
        if found["bad"]:
            raise unfit("`${` starts no variable", _closing(text[found.end() :]))
        return _value(found["name"], found["default"], environ, used)

    return Expanded(_REFERENCE.sub(fill, text), tuple(dict.fromkeys(used)))


def _value(name: str, default: str | None, environ: Mapping[str, str], used: list[str]) -> str:
    value = environ.get(name)
    if default is not None and not value:
        return default
    if value is None:
        message, hint = f"the environment variable {name} is not set", f"export {name}=…, or write ${{{name}:-default}}"
        raise PydanticCustomError(UNSET, "{message}", {"message": message, "hint": hint})
    if not value.isascii() and not _is_text(value):
        raise unfit(f"the environment variable {name} is not valid UTF-8")
    used.append(name)
    return value


def _closing(rest: str) -> str:
    name = _NAME.match(rest)
    if name is None:
        return "write ${NAME} or ${NAME:-default}; for a literal ${ write $${"
    return f"close it: ${{{name[0]}}}"


def _is_text(value: str) -> bool:
    """False for the surrogates that stand for undecodable bytes in `os.environ`."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
