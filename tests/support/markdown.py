"""Fenced blocks of a Markdown page, and the commands of a console block."""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """One `$` line with its continuation lines, and what the page says it prints."""

    text: str
    output: str


def blocks(page: Path, language: str) -> list[str]:
    """The texts of all blocks fenced with that language, in order."""
    return [text for found, text in _FENCE.findall(page.read_text()) if found == language]


def commands(console: str) -> list[Command]:
    """The commands of a `console` block; a line that ends with a backslash goes on in the next one."""
    found: list[Command] = []
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        end = next(index for index, line in enumerate(lines) if not line.endswith("\\")) + 1
        found.append(Command("\n".join(lines[:end]), "\n".join(lines[end:])))
    return found
