"""Durations, sizes and rates, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from gateway.config.scalars import Plain
from gateway.config.units import (
    format_duration,
    format_size,
    read_duration,
    read_rate,
    read_size,
)
from gateway.policy.rate import Rate


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("500ms", 0.5), ("10s", 10), ("30m", 1800), ("1h30m", 5400), ("7d", 604800), ("0s", 0), ("1s500ms", 1.5)],
)
def test_durations_are_seconds(written: str, seconds: float) -> None:
    assert read_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    ["", "10", "s", "-1s", "1.5s", "10 s", "10S", "1w", "9999999999999s", "١s", None, Plain("10", 10), [], {}],
    ids=repr,
)
def test_anything_else_is_no_duration(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="is not a duration"):
        read_duration(written)


@pytest.mark.parametrize(
    ("written", "size"),
    [("0B", 0), ("1KiB", 1024), ("10MiB", 10485760), ("1GiB", 1073741824), ("1kB", 1000), ("2MB", 2000000)],
)
def test_sizes_are_bytes(written: str, size: int) -> None:
    assert read_size(written) == size


@pytest.mark.parametrize("written", ["", "10", "10 megabytes", "1.5MiB", "-1B", "1Ki", Plain("10", 10)], ids=repr)
def test_anything_else_is_no_size(written: object) -> None:
    with pytest.raises(PydanticCustomError, match="is not a size"):
        read_size(written)


@pytest.mark.parametrize(
    ("written", "rate"),
    [("100/m", Rate(100, 60)), ("10/15m", Rate(10, 900)), ("1/500ms", Rate(1, 0.5)), ("5/1d", Rate(5, 86400))],
)
def test_rates_are_a_count_and_seconds(written: str, rate: Rate) -> None:
    assert read_rate(written) == rate


@pytest.mark.parametrize("written", ["", "100", "/m", "100/", "0/m", "10/0m", "1.5/s", Plain("1", 1)], ids=repr)
def test_anything_else_is_no_rate(written: object) -> None:
    with pytest.raises(PydanticCustomError):
        read_rate(written)


@pytest.mark.parametrize(
    ("rate", "written"), [(Rate(100, 60), "100/m"), (Rate(10, 900), "10/15m"), (Rate(5, 0.5), "5/500ms")]
)
def test_rates_are_written_as_they_are_read(rate: Rate, written: str) -> None:
    assert str(rate) == written


@given(st.integers(0, 10**12))
def test_a_duration_survives_writing_and_reading(milliseconds: int) -> None:
    assert read_duration(format_duration(milliseconds / 1000)) * 1000 == pytest.approx(milliseconds)


@given(st.integers(0, 10**14))
def test_a_size_survives_writing_and_reading(size: int) -> None:
    assert read_size(format_size(size)) == size
