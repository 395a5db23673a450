"""Which addresses are one client."""

import pytest

from gateway.policy.address import address_block


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", ""),
        ("unix:/run/gateway.sock", "unix:/run/gateway.sock"),
    ],
)
def test_ipv6_hosts_are_counted_by_their_network(address: str, block: str) -> None:
    assert address_block(address) == block


def test_neighbouring_networks_are_apart() -> None:
    assert address_block("2001:db8:1:2::1") != address_block("2001:db8:1:3::1")
