"""README.md: its session is replayed against a running gateway, its configuration is checked."""

import base64
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.load import load_config
from tests.support.demo_process import Demo, running_demo
from tests.support.markdown import Command, blocks, commands

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
SESSION = [command for block in blocks(README, "console") for command in commands(block)]
SECRET = base64.b64encode(bytes(range(32))).decode()
MARK = "-- end of output --"
CHANGING = (
    (r"eyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]+){2}", "eyJ…"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
    (r'("request_id": ?)"[^"]*"', r'\1"<id>"'),
    (r'("server_time": ?)[0-9.]+', r"\1<time>"),
    # From login on: a second may have gone by.
    (r'("refresh_expires_in": ?)6047[0-9]{2}|("refresh_expires_in": ?)604800', r"\1\2<week>"),
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("readme")) as started:
        yield started


def masked(text: str) -> str:
    for pattern, instead in CHANGING:
        text = re.sub(pattern, instead, text)
    return text.strip()


def replay(session: list[Command], url: str) -> list[str]:
    """What each command prints, all run by one shell."""
    script = "".join(f"{command.text}\necho; echo '{MARK}'\n" for command in session)
    script = script.replace("http://127.0.0.1:8080", url)
    done = subprocess.run(["bash", "-uc", script], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split(MARK)[:-1]


def test_the_session_prints_what_the_page_says(demo: Demo) -> None:
    assert len(SESSION) >= 8
    outputs = replay(SESSION, demo.url)
    assert [masked(text) for text in outputs] == [masked(command.output) for command in SESSION]


def test_the_configuration_is_accepted_and_fits_fifteen_lines(tmp_path: Path) -> None:
    (config,) = blocks(README, "yaml")
    assert len(config.splitlines()) <= 15
    path = tmp_path / "config.yaml"
    path.write_text(config)
    loaded = load_config(path, {"JWT_SECRET_KEY": SECRET})
    assert loaded.warnings == ()
    assert len(loaded.settings.table.routes) == 4


def test_it_fits_on_a_screen_and_its_links_lead_somewhere() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= 120
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
