"""Binding: what is taken or wrong is found before anything starts."""

import socket

import pytest

from gateway.server.listen import ListenError, address_of, bind, phase_of


def test_a_taken_port() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ListenError) as refused:
            bind("127.0.0.1", port)
    assert refused.value.taken
    assert (refused.value.host, refused.value.port) == ("127.0.0.1", port)


def test_an_address_of_another_machine() -> None:
    with pytest.raises(ListenError) as refused:
        bind("192.0.2.1", 0)
    assert not refused.value.taken
    assert refused.value.why


def test_two_gateways_never_share_a_port() -> None:
    with bind("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(ListenError):
            bind("127.0.0.1", first.getsockname()[1])


def test_phases_of_a_listener() -> None:
    listener = bind("127.0.0.1", 0)
    assert phase_of(listener, draining=False) == "starting"
    listener.listen()
    assert phase_of(listener, draining=False) is None
    assert phase_of(listener, draining=True) == "draining"
    listener.close()
    assert phase_of(listener, draining=False) == "starting"


def test_addresses_as_people_write_them() -> None:
    with bind("127.0.0.1", 0) as listener:
        assert address_of(listener) == f"127.0.0.1:{listener.getsockname()[1]}"


def test_ipv6_is_written_in_brackets() -> None:
    # Unbound: a container may know IPv6 and have no address of it.
    with socket.socket(socket.AF_INET6) as listener:
        assert address_of(listener) == "[::]:0"
