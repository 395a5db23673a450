"""How many connections an address may hold."""

import ipaddress
from collections.abc import Iterator

import pytest

from gateway.middleware.forwarded import TrustedProxies
from gateway.server.crowd import Crowd
from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.refused import assert_refused
from tests.support.running_gateway import RunningGateway, running

GET = b"GET /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n"


@pytest.mark.parametrize(
    ("held", "wanted", "admitted"),
    [
        ("203.0.113.7", "203.0.113.7", False),
        ("203.0.113.7", "203.0.113.8", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("2001:db8::1", "2001:db8:0:1::1", True),
        ("::ffff:203.0.113.7", "203.0.113.7", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("", "", True),
    ],
)
def test_connections_are_counted_by_address(held: str, wanted: str, admitted: bool) -> None:
    crowd = Crowd(2, TrustedProxies([ipaddress.ip_network("10.0.0.0/8")]))
    assert [crowd.enter(held) for _ in range(2)].count(None) == 0
    assert (crowd.enter(wanted) is not None) is admitted


def test_a_place_that_is_given_back_can_be_had_again() -> None:
    crowd = Crowd(1)
    place = crowd.enter("203.0.113.7")
    assert place is not None
    assert crowd.enter("203.0.113.7") is None
    crowd.leave(place)
    assert crowd.enter("203.0.113.7") == place


def test_nothing_is_kept_of_who_has_left() -> None:
    crowd = Crowd(5)
    places = [crowd.enter(f"2001:db8:0:{number:x}::1") for number in range(1000) for _ in range(2)]
    assert len(crowd.held) == 1000
    for place in places:
        crowd.leave(place or "")
    assert crowd.held == {}


@pytest.fixture
def crowded(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream) -> Iterator[RunningGateway]:
    limits = "{connections_per_address: 5}"
    with running(tmp_path_factory.mktemp("crowd"), upstream=echo.url, limits=limits) as started:
        started.http.close()
        yield started


def test_surplus_connections_are_refused_and_closed_while_others_are_served(crowded: RunningGateway) -> None:
    held = [RawClient(crowded.port) for _ in range(5)]
    assert {client.ask(GET).status for client in held} == {200}
    for _ in range(3):
        with RawClient(crowded.port) as surplus:
            assert assert_refused(surplus, 503, "overloaded").one(b"retry-after") == b"1"
    assert {client.ask(GET).status for client in held} == {200}
    held.pop().close()
    eventually(lambda: serves(crowded))
    for client in held:
        client.close()


def serves(gateway: RunningGateway) -> bool:
    """Whether another connection is served."""
    with RawClient(gateway.port) as client:
        try:
            return client.ask(GET).status == 200
        except ConnectionError:
            return False


def test_surplus_connections_are_logged(crowded: RunningGateway) -> None:
    held = [RawClient(crowded.port) for _ in range(6)]
    eventually(lambda: any(line.get("reason") == "overloaded" for line in crowded.log_lines()))
    for client in held:
        client.close()


def test_a_trusted_proxy_holds_as_many_as_it_likes(tmp_path_factory: pytest.TempPathFactory, echo: RawUpstream) -> None:
    settings = {"limits": "{connections_per_address: 2}", "trusted": "[127.0.0.0/8]"}
    with running(tmp_path_factory.mktemp("trusted"), upstream=echo.url, **settings) as gateway:
        held = [RawClient(gateway.port) for _ in range(8)]
        assert {client.ask(GET).status for client in held} == {200}
        for client in held:
            client.close()
