"""Request bodies of `/auth`: strict JSON, then typed fields; unknown fields are refused."""

import json
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from gateway.asgi import Receive
from gateway.errors import FieldError, Refusal
from gateway.reasons import Reason

BODY_LIMIT: Final = 64 * 1024
_MAX_DEPTH: Final = 16

Body = TypeVar("Body", bound="StrictBody")
Headers = list[tuple[bytes, bytes]]


class StrictBody(BaseModel):
    """No unknown fields, no coercion; rejected values never reach an error text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Registration(StrictBody):
    """POST /auth/register."""

    email: StrictStr = Field(max_length=1024)
    password: StrictStr = Field(max_length=4096)
    display_name: StrictStr = Field(max_length=1024)


class Credentials(StrictBody):
    """POST /auth/login."""

    email: StrictStr = Field(max_length=1024)
    password: StrictStr = Field(max_length=4096)


class Refresh(StrictBody):
    """POST /auth/refresh."""

    refresh_token: StrictStr


class Logout(StrictBody):
    """POST /auth/logout; the token may come as Bearer alone."""

    refresh_token: StrictStr | None = None


class PasswordChange(StrictBody):
    """POST /auth/password."""

    current: StrictStr = Field(max_length=4096)
    new: StrictStr = Field(max_length=4096)


async def read_body(receive: Receive, headers: Headers, limit: int = BODY_LIMIT) -> bytes:
    """The whole body, at most `limit` bytes (413). A client that left ends the request quietly with 400."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise Refusal(Reason.BODY_TOO_LARGE)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(Reason.BODY_INVALID)
        body += message.get("body", b"")
        if len(body) > limit:
            raise Refusal(Reason.BODY_TOO_LARGE)
        if not message.get("more_body", False):
            return bytes(body)


def parse(model: type[Body], body: bytes, headers: Headers) -> Body:
    """415 unless JSON was announced, 400 unless it is JSON, 422 unless its fields are the model's."""
    if not _is_json(headers):
        raise Refusal(Reason.MEDIA_TYPE)
    if any(name == b"content-encoding" and value.strip().lower() != b"identity" for name, value in headers):
        # RFC 9110 sections 12.5.3 and 15.5.16.
        detail = "The request body must not be compressed"
        raise Refusal(Reason.MEDIA_TYPE, detail=detail, headers={"Accept-Encoding": "identity"})
    fields = _strict_json(body)
    if not isinstance(fields, dict):
        raise Refusal(Reason.FIELD_INVALID, errors=[FieldError("", "must be a JSON object")])
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise Refusal(Reason.FIELD_INVALID, errors=_field_errors(error)) from None


def _is_json(headers: Headers) -> bool:
    for name, value in headers:
        if name == b"content-type":
            media, _, parameters = value.lower().partition(b";")
            charset = parameters.strip().removeprefix(b"charset=").strip(b'" ')
            return media.strip() == b"application/json" and charset in (b"", b"utf-8")
    return False


def _strict_json(body: bytes) -> Any:
    """RFC 8259 with the doors shut that parsers disagree about: duplicate names, NaN, BOM, lone surrogates."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(Reason.BODY_INVALID) from None
    _check(value, _MAX_DEPTH)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("duplicate name")
    return fields


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _check(value: Any, depth: int) -> None:
    if depth == 0:
        raise Refusal(Reason.BODY_INVALID)
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise Refusal(Reason.BODY_INVALID)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check(name, depth)
            _check(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth - 1)


def _field_errors(error: ValidationError) -> list[FieldError]:
    """At most twenty, names cut short: an answer must not grow with what was sent."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[:20]
    return [
        FieldError(".".join(map(str, item["loc"]))[:64], _SENTENCES.get(item["type"], "is not valid")) for item in found
    ]


_SENTENCES: Final = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "string_type": "must be a string",
    "string_too_long": "is too long",
}
