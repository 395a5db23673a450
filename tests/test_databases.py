"""Database URLs as people write them."""

import pytest

from gateway.databases import driver_url


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///data/gateway.db", "sqlite+aiosqlite"),
        ("postgresql://user@db/gateway", "postgresql+asyncpg"),
        ("postgres://user@db/gateway", "postgresql+asyncpg"),
    ],
)
def test_the_driver_is_named(url: str, driver: str) -> None:
    assert driver_url(url).drivername == driver


def test_the_option_of_libpq_is_passed_on_under_the_name_of_the_driver() -> None:
    assert driver_url("postgresql://db/gateway?sslmode=require").query == {"ssl": "require"}


@pytest.mark.parametrize("url", ["mysql://root:hunter2@db/x", "sqlite://"])
def test_other_databases_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///path") as refused:
        driver_url(url)
    assert "hunter2" not in str(refused.value)
