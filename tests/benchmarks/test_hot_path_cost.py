"""No layer of a proxied request has become many times dearer. Bounds are generous: machines differ, and are busy."""

import pytest

from benchmarks.profile import PIPELINE, SERVER, layers

# About twenty times what each took when this was written, in microseconds.
BOUNDS = {
    "read the target": 20,
    "read the host": 15,
    "find the route": 20,
    "authenticate, token seen before": 50,
    "decide": 15,
    "headers for the upstream": 70,
    "headers for the client": 60,
    "count and log": 60,
    "(of it: count)": 10,
    SERVER: 250,
    PIPELINE: 800,
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    return layers(tmp_path_factory.mktemp("layers"))


def test_every_layer_has_a_bound(measured: dict[str, float]) -> None:
    assert measured.keys() == BOUNDS.keys()


@pytest.mark.parametrize("layer", BOUNDS)
def test_a_layer_is_cheap(measured: dict[str, float], layer: str) -> None:
    assert 0 < measured[layer] < BOUNDS[layer]


def test_the_whole_costs_more_than_the_server_alone(measured: dict[str, float]) -> None:
    assert measured[PIPELINE] > measured[SERVER]
