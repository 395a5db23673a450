"""Rows of text under each other."""

from collections.abc import Sequence


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Each column as wide as its widest cell, two spaces between, nothing after the last."""
    table = [heads, *rows]
    widths = [max(len(row[index]) for row in table) for index in range(len(heads))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in lines)
