"""Listening addresses, networks, target URLs and store URLs."""

import pytest
from pydantic_core import PydanticCustomError

from gateway.config.addresses import Address, TargetUrl, read_address, read_network, read_target_url
from gateway.config.scalars import Expanded, words_of
from gateway.config.store_url import read_account_url, read_session_url


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("0.0.0.0:8080", Address("0.0.0.0", 8080)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:8080", Address("::1", 8080)),
        ("[::]:1", Address("::", 1)),
    ],
)
def test_addresses_are_host_and_port(written: str, address: Address) -> None:
    assert read_address(written) == address
    assert str(address) == written


@pytest.mark.parametrize(
    "written", ["", ":8080", "8080", "a:b", "::1:8080", "[::1", "a:99999", "a b:1", "http://a:1", "1.2.3:1", "[a]:1"]
)
def test_anything_else_is_no_address(written: str) -> None:
    with pytest.raises(PydanticCustomError, match="is not an address"):
        read_address(written)


@pytest.mark.parametrize(("written", "network"), [("10.0.0.0/8", "10.0.0.0/8"), ("::1", "::1/128")])
def test_networks_are_blocks_or_single_addresses(written: str, network: str) -> None:
    assert str(read_network(written)) == network


def test_bits_beyond_the_prefix_are_a_mistake_and_the_hint_knows_better() -> None:
    with pytest.raises(PydanticCustomError) as refused:
        read_network("10.1.2.3/8")
    assert words_of(refused.value)[1] == "it lies in 10.0.0.0/8"


def test_a_network_from_the_environment_is_not_repeated() -> None:
    with pytest.raises(PydanticCustomError) as refused:
        read_network(Expanded("10.1.2.3/8", ("NETWORK",)))
    assert "10." not in "".join(words_of(refused.value))


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://orders:8000", TargetUrl("http", "orders", 8000)),
        ("HTTPS://Orders.Example/", TargetUrl("https", "orders.example", 443)),
        ("http://[::1]:81/base/v1/", TargetUrl("http", "::1", 81, "/base/v1")),
        ("http://my_service", TargetUrl("http", "my_service", 80)),
    ],
)
def test_target_urls_are_taken_apart(written: str, url: TargetUrl) -> None:
    assert read_target_url(written) == url


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        (TargetUrl("http", "orders", 80), "orders"),
        (TargetUrl("http", "orders", 443), "orders:443"),
        (TargetUrl("https", "::1", 443), "[::1]"),
    ],
)
def test_the_usual_port_is_not_part_of_the_authority(url: TargetUrl, authority: str) -> None:
    assert url.authority == authority


@pytest.mark.parametrize(
    "written",
    [
        "",
        "orders:8000",
        "//orders",
        "ftp://orders",
        "http://",
        "http:///path",
        "http://orders?x",
        "http://orders#x",
        "http://orders:0",
        "http://orders:70000",
        "http://orders/a/../b",
        "http://orders/%2e%2e",
        "http://orders\\@evil",
        "http://or ders",
        "http://[::g]",
        "http://a:b:c",
    ],
)
def test_anything_else_is_no_target(written: str) -> None:
    with pytest.raises(PydanticCustomError):
        read_target_url(written)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "2852039166",
        "0xA9FEA9FE",
        "0xa9.254.169.254",
        "169.254.43518",
        "metadata.google.internal",
        "metadata.google.internal.",
    ],
)
def test_no_spelling_of_a_metadata_service_is_a_target(host: str) -> None:
    with pytest.raises(PydanticCustomError):
        read_target_url(f"http://{host}/latest")


def test_a_password_in_a_target_is_not_repeated() -> None:
    with pytest.raises(PydanticCustomError) as refused:
        read_target_url("http://user:hunter2@orders")
    assert "hunter2" not in "".join(words_of(refused.value))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("redis://:hunter2@cache:6379/0?password=hunter2", "redis://…@cache:6379/0"),
        ("rediss://cache", "rediss://cache"),
        ("sqlite:///data/gateway.db", "sqlite:///data/gateway.db"),
        ("postgresql://u:hunter2@db/gateway", "postgresql://…@db/gateway"),
        ("postgresql://u:hun@ter2@db/gateway", "postgresql://…@db/gateway"),
    ],
)
def test_a_store_url_shows_no_password_and_reveals_itself_whole(written: str, shown: str) -> None:
    url = read_session_url(written)
    assert str(url) == shown
    assert url.reveal() == written
    assert "hunter2" not in repr(url)


@pytest.mark.parametrize(
    "written", ["", "redis", "redis://", "mysql://a", "sqlite://", "sqlite:///", "postgresql+asyncpg://a", None, []]
)
def test_anything_else_is_no_store(written: object) -> None:
    with pytest.raises(PydanticCustomError):
        read_session_url(written)


def test_accounts_are_not_kept_in_redis() -> None:
    with pytest.raises(PydanticCustomError, match="unknown scheme"):
        read_account_url("redis://cache")
