"""Display names."""

import pytest

from gateway.accounts.names import check_display_name


@pytest.mark.parametrize("name", ["Test User", "Ōsaka 大阪", "O'Neil", "शर्मा", "بهار\u200cنارنج", "👩‍🚀", "x" * 100])
def test_accepted(name: str) -> None:
    assert check_display_name(name) is None


@pytest.mark.parametrize(
    "name",
    ["", "  ", "x" * 101, "a\nb", "a\0b", "a\x1b[31m", "\u202eevil", "\u2066x", "\ud800", "\u2028", "\ue000"],
)
def test_refused_with_a_sentence(name: str) -> None:
    sentence = check_display_name(name)
    assert sentence is not None
    assert sentence.endswith(".")
