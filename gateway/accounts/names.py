"""Display names: any text that can be shown on one line and cannot rearrange what stands around it."""

import unicodedata

_MOST_CHARACTERS = 100
# Control characters, surrogates, unassigned and private code points, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})
# Bidirectional overrides, embeddings and isolates; other format characters (joiners) are part of real names.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_display_name(text: str) -> str | None:
    """Why `text` is no acceptable name, as a sentence for its sender; None when it is one."""
    if not text.strip():
        return "A display name is needed."
    if len(text) > _MOST_CHARACTERS:
        return f"A display name has at most {_MOST_CHARACTERS} characters."
    if any(_refused(character) for character in text):
        return "The display name contains characters that cannot be shown."
    return None


def _refused(character: str) -> bool:
    return character in _DIRECTION or unicodedata.category(character) in _REFUSED_CATEGORIES
