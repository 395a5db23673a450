"""`server.trusted_proxies: ${TRUSTED_PROXIES:-}`: one variable holds the whole list."""

import base64
from pathlib import Path

import pytest

from gateway.config.load import load_text
from gateway.config.problems import Problem
from gateway.errors import ConfigError

SECRET = base64.b64encode(bytes(range(32))).decode()
CONFIG = "server: {trusted_proxies: PROXIES}\ntokens: {secret: '${S}'}\nupstreams: {}\nroutes: []\n"


def networks(written: str, proxies: str) -> list[str]:
    text = CONFIG.replace("PROXIES", written)
    loaded = load_text(text, "config.yaml", {"S": SECRET, "PROXIES": proxies}, Path())
    return [str(network) for network in loaded.settings.server.trusted_proxies]


@pytest.mark.parametrize(
    ("proxies", "read"),
    [
        ("", []),
        (" ", []),
        ("10.0.0.0/8", ["10.0.0.0/8"]),
        ("10.0.0.0/8,fd00::/8", ["10.0.0.0/8", "fd00::/8"]),
        (" 10.0.0.0/8 , 127.0.0.1 ,", ["10.0.0.0/8", "127.0.0.1/32"]),
    ],
)
def test_items_are_parted_by_commas(proxies: str, read: list[str]) -> None:
    assert networks("'${PROXIES:-}'", proxies) == read


def test_a_list_with_variables_in_it_is_a_list() -> None:
    assert networks("['${PROXIES}', 127.0.0.1]", "10.0.0.0/8") == ["10.0.0.0/8", "127.0.0.1/32"]


@pytest.mark.parametrize("proxies", ["10.0.0.0/8;fd00::/8", "10.0.0.1/8", "proxy"])
def test_what_is_no_network_is_refused_at_the_key(proxies: str) -> None:
    with pytest.raises(ConfigError) as refused:
        networks("'${PROXIES}'", proxies)
    problem, _no_routes = refused.value.problems
    assert isinstance(problem, Problem)
    assert (problem.line, problem.column) == (1, 10)
    assert proxies not in problem.message + problem.hint


def test_text_in_the_file_is_no_list() -> None:
    with pytest.raises(ConfigError):
        networks("10.0.0.0/8", "")
