"""What to write instead of a path pattern that is refused, or of one that hardly means what it says."""

import re
from typing import Final
from urllib.parse import unquote

from gateway.config.scalars import printable

_STAR: Final = re.compile(r"/\*(?=/|$)")
_COLON: Final = re.compile(r"/:([A-Za-z_][A-Za-z0-9_]*)(?=/|$)")
_DOTS: Final = re.compile(r"/\.{1,2}(?=/|$)")


def path_hint(text: str) -> str:
    """For a pattern in the file's own words; empty when there is nothing to propose."""
    if not text.startswith("/"):
        return f"write {printable('/' + text)}"
    if _STAR.search(text):
        one = printable(_STAR.sub("/{id}", text))
        return f'write {one} for any one segment, or end in "/**" for everything below'
    if "*" in text:
        return 'write "/{id}" for any one segment, or end in "/**" for everything below'
    if _DOTS.search(text):
        return "leave it out: a request that has one in its path is refused"
    if "//" in text:
        return f"write {printable(re.sub('/+', '/', text))}"
    if "?" in text or "#" in text:
        return f"write {printable(re.split('[?#]', text)[0])}"
    if "%" in text:
        return f"write {printable(unquote(text))}"
    return 'such as "/orders/{id}/items"' if "{" in text or "}" in text else ""


def colon_hint(text: str) -> str:
    """For a segment that other software reads as a parameter; empty when there is none."""
    return f"for a parameter write {printable(_COLON.sub(_braced, text))}" if _COLON.search(text) else ""


def _braced(found: re.Match[str]) -> str:
    return f"/{{{found[1]}}}"
