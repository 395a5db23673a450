"""The types of the settings, and how a model declares a key.

Each type reads leaves (`scalars`), writes itself as a person would (`config show`), and has a JSON Schema.
Defaults are written as in the file and read by the same reader.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from gateway.config.addresses import Address as AddressValue
from gateway.config.addresses import Network, read_address, read_network, read_target_url
from gateway.config.addresses import TargetUrl as TargetUrlValue
from gateway.config.origins import read_origin
from gateway.config.scalars import bare, from_environment, printable, shown, unfit
from gateway.config.store_url import StoreUrl, read_account_url, read_session_url
from gateway.config.units import format_duration, format_size, read_duration, read_rate, read_size
from gateway.config.words import (
    read_email,
    read_filled_text,
    read_flag,
    read_given_text,
    read_header_name,
    read_header_value,
    read_listed,
    read_name,
    read_optional_text,
    read_secret,
    read_signing_secret,
    read_text,
    read_whole,
)
from gateway.policy.rate import Rate as RateValue
from gateway.secret import Secret

_TEXT: Final = {"type": "string"}
_OPTIONAL_TEXT: Final = {"type": ["string", "null"]}
_VARIABLE: Final = {"type": "string", "pattern": r"\$\{"}
MASK: Final = "…"


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Annotates a field: how it is read from a leaf, described to editors, and written for people."""

    read: Callable[[Any], object]
    schema: Mapping[str, Any]
    write: Callable[[Any], object] = str
    kind: str = "text"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(self._written)
        return core_schema.no_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: object) -> dict[str, Any]:
        return dict(self.schema)

    def _written(self, value: object) -> object:
        return None if value is None else self.write(value)


class OneOf:
    """Annotates a `Literal`: reads exactly its words."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known: tuple[str, ...] = get_args(source)

        def read(value: object) -> str:
            text = read_text(value)
            if text in known:
                return text
            near = [] if from_environment(value) else difflib.get_close_matches(text, known, n=1)
            hint = f"accepted: {', '.join(known)}" + (f" (did you mean {printable(near[0])}?)" if near else "")
            raise unfit(f"{shown(value)} is not accepted", hint)

        return handler.generate_schema(Annotated[str, Reader(read, {"anyOf": [{"enum": list(known)}, _VARIABLE]})])


class Section(BaseModel):
    """A mapping of the file. Nothing under a key (`server:`) is an empty mapping: all defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_empty(cls, data: Any) -> Any:
        return {} if data is None else data


def setting(default: object, description: str, **more: Any) -> Any:
    """A key that may be left out; `default` as the file would write it."""
    return Field(default=default, description=description, validate_default=True, **more)


def required(description: str) -> Any:
    """A key that has to be there."""
    return Field(description=description)


def whole(least: int, most: int = 1_000_000_000) -> Reader:
    """Reads whole numbers from `least` to `most`."""

    def read(value: object) -> int:
        number = read_whole(value)
        if not least <= number <= most:
            raise unfit(f"must be from {least} to {most}, not {shown(value)}")
        return number

    schema = {"anyOf": [{"type": "integer", "minimum": least, "maximum": most}, _VARIABLE]}
    return Reader(read, schema, int, f"whole number from {least}")


def duration(least: float = 0.001, most: float = 366 * 86400, *, whole_seconds: bool = False) -> Reader:
    """Reads seconds from `least` to `most`; tokens and sessions count in whole seconds."""

    def read(value: object) -> float:
        seconds = read_duration(value)
        if not least <= seconds <= most:
            span = f"{format_duration(least)} to {format_duration(most)}"
            raise unfit(f"must be from {span}, not {shown(value)}")
        if whole_seconds and seconds != int(seconds):
            raise unfit(f"must be in whole seconds, not {shown(value)}")
        return seconds

    schema = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d))+$|\$\{"}
    return Reader(read, schema, format_duration, "duration")


def size(least: int = 0, most: int = 1024**4) -> Reader:
    """Reads bytes from `least` to `most`."""

    def read(value: object) -> int:
        count = read_size(value)
        if not least <= count <= most:
            span = f"{format_size(least)} to {format_size(most)}"
            raise unfit(f"must be from {span}, not {shown(value)}")
        return count

    schema = {"type": "string", "pattern": r"^[0-9]+ ?(B|[KMG]iB|[kKMG]B)$|\$\{"}
    return Reader(read, schema, format_size, "size")


Text = Annotated[str, Reader(read_filled_text, _TEXT)]
OptionalText = Annotated[str | None, Reader(read_optional_text, _OPTIONAL_TEXT)]
GivenText = Annotated[str | None, Reader(read_given_text, {**_OPTIONAL_TEXT, "minLength": 1})]
Name = Annotated[str, Reader(read_name, _TEXT)]
Email = Annotated[str | None, Reader(read_email, _OPTIONAL_TEXT)]
HeaderName = Annotated[str, Reader(read_header_name, _TEXT)]
Flag = Annotated[bool, Reader(read_flag, {"anyOf": [{"type": "boolean"}, _VARIABLE]}, bool, "true or false")]
Duration = Annotated[float, duration()]
Seconds = Annotated[float, duration(1, 10 * 366 * 86400, whole_seconds=True)]
Size = Annotated[int, size()]
Rate = Annotated[RateValue, Reader(read_rate, {"type": "string", "examples": ["100/m"]}, str, "rate")]
Address = Annotated[AddressValue, Reader(read_address, _TEXT, str, "host:port")]
Cidr = Annotated[Network, Reader(read_network, _TEXT, str, "CIDR block")]
Cidrs = Annotated[
    tuple[Cidr, ...],
    BeforeValidator(read_listed),
    WithJsonSchema({"anyOf": [{"type": "array", "items": _TEXT}, _VARIABLE]}, mode="validation"),
]
Origin = Annotated[str, Reader(read_origin, _TEXT, str, "origin")]
Origins = Annotated[
    tuple[Origin, ...],
    BeforeValidator(read_listed),
    WithJsonSchema({"anyOf": [{"type": "array", "items": _TEXT}, _VARIABLE]}, mode="validation"),
]
TargetUrl = Annotated[TargetUrlValue, Reader(read_target_url, _TEXT, str, "URL")]
SessionUrl = Annotated[StoreUrl, Reader(read_session_url, _TEXT, str, "URL")]
AccountUrl = Annotated[StoreUrl, Reader(read_account_url, _TEXT, str, "URL")]
OptionalSecret = Annotated[Secret | None, Reader(read_secret, _OPTIONAL_TEXT, lambda _: MASK, "secret")]
SigningSecret = Annotated[Secret, Reader(read_signing_secret, _TEXT, lambda _: MASK, "secret")]
HeaderValue = Annotated[
    str,
    Reader(read_header_value, _TEXT, lambda value: MASK if from_environment(value) else str(value)),
]
AddedHeaderValue = Annotated[str, Reader(read_header_value, _TEXT, lambda _: MASK)]
"""Never shown: what is added to requests is often the key of a service."""
Leaves = Annotated[Any, Reader(lambda value: value, {}, bare, "see below")]
"""Anything at all, left to a reader of its own (`access`)."""
