"""The YAML on the pages about limits and HTTP/2 is accepted as it stands."""

from pathlib import Path

import pytest
import yaml

from tests.support.configs import ENVIRON, loaded
from tests.support.markdown import blocks

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = [(page, text) for page in ("limits", "http2") for text in blocks(DOCS / f"{page}.md", "yaml")]


def whole(text: str) -> str:
    """The example with what every configuration needs."""
    data = {"tokens": {"secret": "${JWT_SECRET_KEY}"}, "routes": [], **yaml.safe_load(text)}
    data["upstreams"] = {route["upstream"]: {"targets": ["http://a:1"]} for route in data["routes"]}
    return yaml.safe_dump(data)


def test_there_are_examples() -> None:
    assert [page for page, _ in EXAMPLES] == ["limits", "limits", "http2"]


@pytest.mark.parametrize("text", [text for _, text in EXAMPLES])
def test_examples_are_accepted(text: str) -> None:
    found = loaded(whole(text), ENVIRON)
    assert [problem.message for problem in found.warnings if problem.message[:9] != "there are"] == []
