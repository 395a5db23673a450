"""Readers of simple leaves: text, flags, whole numbers, names, secrets. What does not fit is `unfit`."""

import re
from typing import Final

from gateway.config.scalars import Expanded, Plain, shown, unfit
from gateway.errors import KeyRefused
from gateway.secret import Secret
from gateway.tokens.keys import KeyRing

HOW_TO_MAKE_ONE: Final = (
    "make one with: export JWT_SECRET_KEY=$(openssl rand -base64 32)   or, without openssl: "
    'python3 -c "import secrets,base64; print(base64.b64encode(secrets.token_bytes(32)).decode())"'
)
_FLAGS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


def read_text(value: object) -> str:
    """Text; a word that YAML reads as something else has to be quoted."""
    if isinstance(value, str):
        return str(value)
    if not isinstance(value, Plain):
        raise unfit(f"must be text, not {shown(value)}")
    what = _reading(value)
    raise unfit(f"must be text: unquoted, YAML reads {value.written} as {what}", f'quote it: "{value.written}"')


def read_listed(value: object) -> object:
    """A list that one environment variable holds, its items parted by commas: `${TRUSTED_PROXIES:-}`.

    Anything else as it is; text that the file itself gives is no list.
    """
    if not isinstance(value, Expanded):
        return value
    return [Expanded(item.strip(), value.names) for item in value.split(",") if item.strip()]


def read_filled_text(value: object) -> str:
    """Text that is not empty."""
    text = read_text(value)
    if not text.strip():
        raise unfit("must not be empty")
    return text


def read_optional_text(value: object) -> str | None:
    """Text, or None for nothing and for what an unset variable left empty."""
    return None if value is None else read_text(value) or None


def read_given_text(value: object) -> str | None:
    """Text that is not empty, or None for a key that is left out.

    For keys that narrow something: one that a variable left empty must not mean that nothing is narrowed.
    """
    if value is None:
        return None
    text = read_text(value)
    if not text.strip():
        raise unfit("must not be empty", "leave the key out if nothing is meant")
    return text


def read_flag(value: object) -> bool:
    """true or false, also from a variable."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Plain) and isinstance(value.value, bool):
        return value.value
    if isinstance(value, Expanded) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    raise unfit(f"must be true or false, not {shown(value)}")


def read_whole(value: object) -> int:
    """A whole number in decimal, also from a variable."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Plain) and isinstance(value.value, int) and not isinstance(value.value, bool):
        return value.value
    if isinstance(value, Expanded) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    raise unfit(f"must be a whole number, not {shown(value)}", "write it in decimal, without quotes")


def read_name(value: object) -> str:
    """A name that can stand in logs, metrics and the command line as it is."""
    text = read_text(value)
    if not _NAME.fullmatch(text):
        raise unfit(f"{shown(value)} is not a name", "use letters, digits, '.', '_' and '-', at most 100")
    return text


def is_name(text: str) -> bool:
    """Whether `read_name` takes it."""
    return _NAME.fullmatch(text) is not None


def read_header_name(value: object) -> str:
    """A header name (RFC 9110 5.1), in lower case."""
    text = read_text(value)
    if not _HEADER_NAME.fullmatch(text):
        raise unfit(f"{shown(value)} is not a header name", "use letters, digits and '-'")
    return text.lower()


def is_header_name(text: str) -> bool:
    """Whether `read_header_name` takes it."""
    return _HEADER_NAME.fullmatch(text) is not None


def read_header_value(value: object) -> str:
    """A header value (RFC 9110 5.5) as it was given, so that what came from a variable is known as such.

    No message repeats it: header values carry keys.
    """
    if not isinstance(value, str):
        raise unfit("must be text", "put it in quotes")
    if _CONTROL.search(value) or value != value.strip():
        raise unfit("must have no control characters, and no space at either end")
    return value


def read_email(value: object) -> str | None:
    """Something with an `@`, or None; the account store checks the rest."""
    text = read_optional_text(value)
    if text is not None and not _EMAIL.fullmatch(text):
        raise unfit(f"{shown(value)} is not an email address", "such as ann@example.com")
    return text


def read_secret(value: object) -> Secret | None:
    """A secret, or None for nothing and for an empty variable; the message never shows it."""
    if isinstance(value, Plain):
        raise unfit("must be text", "put it in quotes, or better in a variable: ${NAME}")
    if value is not None and not isinstance(value, str):
        raise unfit("must be text")
    return Secret(str(value)) if value else None


def read_signing_secret(value: object) -> Secret:
    """The secret that access tokens are signed with: base64 of at least 32 bytes, not missing, not weak."""
    secret = read_secret(value)
    if secret is None:
        raise unfit("the signing secret is missing", HOW_TO_MAKE_ONE)
    try:
        KeyRing.from_secret(secret)
    except KeyRefused as refused:
        raise unfit(refused.why, HOW_TO_MAKE_ONE) from None
    return secret


def _reading(value: Plain) -> str:
    if isinstance(value.value, bool):
        return "true" if value.value else "false"
    return "a number" if isinstance(value.value, int | float) else "a number in another notation"
