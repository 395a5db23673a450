"""A run as Markdown and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, table
from benchmarks.machine import sentence

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
RESULTS = Path(__file__).parent / "results"

_MET = {True: "met", False: "**missed**", None: "–"}


def markdown(figures: Sequence[Figure], facts: dict[str, Any], pinning: str, rounds: int) -> str:
    """Targets first, then each figure."""
    lines = [
        f"{sentence(facts)} {pinning} {rounds} rounds, each visiting everybody in turn; figures are medians, "
        "in brackets the least and the greatest.",
        "",
        table(("target", "measured", "promised", ""), _verdicts(figures)),
    ]
    for figure in figures:
        lines += ["", f"### {figure.title}", "", figure.text]
    return "\n".join(lines)


def _verdicts(figures: Sequence[Figure]) -> list[list[str]]:
    return [
        [verdict.what, verdict.measured, verdict.target, _MET[verdict.met]]
        for figure in figures
        for verdict in figure.verdicts
    ]


def write_json(figures: Sequence[Figure], facts: dict[str, Any]) -> Path:
    """Everything measured, each sample, in a new file of `results/`."""
    RESULTS.mkdir(exist_ok=True)
    stamp = "".join(letter for letter in facts["date"] if letter.isdigit())
    made = RESULTS / f"{stamp}.json"
    data = {"machine": facts, "figures": [asdict(figure) for figure in figures]}
    made.write_text(json.dumps(data, indent=1))
    return made


def put(page: Path, mark: str, text: str) -> None:
    """Replace what stands between `<!-- mark -->` and `<!-- /mark -->`. ValueError without the marks."""
    before, opening, rest = page.read_text().partition(f"<!-- {mark} -->\n")
    _, closing, after = rest.partition(f"<!-- /{mark} -->\n")
    if not opening or not closing:
        raise ValueError(f"{page} has no place for {mark}")
    page.write_text(f"{before}{opening}\n{text}\n\n{closing}{after}")
