"""The leaves of a configuration file, before anything is known about what they should be.

A leaf is `None`, text (`str`), text with environment variables in it (`Expanded`) or `Plain`: an unquoted
word that YAML 1.1 reads as something other than text (`no`, `12:30`, `010`). The model decides what is meant;
a leaf that does not fit raises `unfit`, whose words never repeat a secret or a value from the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic_core import PydanticCustomError

_LONGEST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Plain:
    """An unquoted scalar that YAML 1.1 reads as a boolean or a number; `written` is what the file says.

    `value` is None for numbers in the spellings only YAML 1.1 knows (`12:30`, `010`, `1_000`).
    """

    written: str
    value: bool | int | float | None


class Broken:
    """Stands for a leaf that was already reported, so that nothing more is said about it."""


BROKEN: Final = Broken()


class Expanded(str):
    """Text that contained `${...}`; `names` are the environment variables whose values are in it."""

    __slots__ = ("names",)

    names: tuple[str, ...]

    def __new__(cls, text: str, names: tuple[str, ...] = ()) -> "Expanded":
        made = super().__new__(cls, text)
        made.names = names
        return made


def unfit(message: str, hint: str = "") -> PydanticCustomError:
    """The error that every reader of leaves raises; the text is shown to the user as it is."""
    return PydanticCustomError("unfit", "{message}", {"message": message, "hint": hint})


def words_of(error: PydanticCustomError) -> tuple[str, str]:
    """Message and hint of an `unfit` error."""
    context = error.context or {}
    return str(context.get("message", "is not valid")), str(context.get("hint", ""))


def from_environment(value: object) -> bool:
    """Whether a part of the leaf came from an environment variable, and so may be a secret."""
    return isinstance(value, Expanded) and bool(value.names)


def printable(text: str) -> str:
    """Quoted for a message: cut to length, without anything a terminal would act on."""
    cut = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    safe = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)
    return f'"{safe}"'


def shown(value: object) -> str:
    """A leaf as a message may show it."""
    if from_environment(value):
        return "the value from the environment"
    if isinstance(value, Plain):
        return value.written if value.written.isprintable() else printable(value.written)
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return "a mapping"
    return "nothing" if value is None else "a list" if isinstance(value, list) else "a value"


def bare(value: object) -> object:
    """A tree of leaves as plain YAML data: no `Plain`, no `Expanded`."""
    if isinstance(value, Plain):
        return value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {key: bare(item) for key, item in value.items()}
    return [bare(item) for item in value] if isinstance(value, list) else value
