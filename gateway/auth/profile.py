"""What a display name may hold: it becomes a claim, a header and a line on a screen."""

import unicodedata
from typing import Final

MAX_NAME: Final = 100


def check_display_name(name: str) -> str | None:
    """Why the name is refused, or None. Control, format (bidi overrides) and surrogate characters are out."""
    if not name.strip():
        return "must not be empty"
    if len(name) > MAX_NAME:
        return f"must have at most {MAX_NAME} characters"
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in name):
        return "must not contain control characters"
    return None
