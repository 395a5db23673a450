"""`server.http2` needs a package that is not always there."""

import sys

import pytest

from tests.support.configs import MINIMAL, loaded, refused

WANTED = MINIMAL + "server: {http2: true}\n"


def test_it_is_accepted_where_the_package_is() -> None:
    assert loaded(WANTED).settings.server.http2


def test_without_the_package_the_hint_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zttp", None)
    (problem,) = refused(WANTED)
    assert "zttp" in problem.message
    assert "pip install 'gateway[http2]'" in problem.hint
    assert loaded(MINIMAL).warnings == ()
