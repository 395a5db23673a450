"""Names, addresses and sockets: how a target is reached."""

import asyncio
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.errors import UpstreamFailed
from gateway.proxy.connection import Connection
from gateway.proxy.dial import Dial
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.names import Addresses
from gateway.reasons import Reason
from tests.proxy.harness import forwarding_to
from tests.support.raw_client import get
from tests.support.raw_upstream import RawUpstream

# Answers nobody, and is refused at once where there is no route (RFC 5737).
NOBODY = "192.0.2.1"


class Resolver:
    """Answers as told, and counts."""

    def __init__(self, *addresses: str, delay: float = 0.0) -> None:
        self.addresses: Sequence[str] = addresses
        self.delay = delay
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        await asyncio.sleep(self.delay)
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.addresses


def dial(port: int, resolver: Resolver, timeout: float = 1.0) -> Dial:
    endpoint = Endpoint.parse(f"http://svc.test:{port}")
    return Dial("svc", endpoint, timeout=timeout, addresses=Addresses("svc.test", port, resolver))


async def connect(dial: Dial) -> Connection:
    loop = asyncio.get_running_loop()
    return await dial.connect(lambda: Connection("svc", loop, lambda _: None))


async def connected(dial: Dial) -> None:
    (await connect(dial)).abort()
    await asyncio.sleep(0)  # Let it be closed here before the upstream stops.


async def unreachable(dial: Dial) -> None:
    with pytest.raises(UpstreamFailed) as failed:
        await connect(dial)
    assert failed.value.reason is Reason.UPSTREAM_UNREACHABLE


def test_a_unix_socket(tmp_path: Path) -> None:
    with RawUpstream(path=tmp_path / "svc.sock") as upstream:
        with forwarding_to(upstream.url) as gateway:
            assert [get(gateway.port, "/a%2Fb?c").body for _ in range(3)] == [b"ok"] * 3
        assert len(upstream.peers) == 1
        assert (upstream.requests[0].target, upstream.requests[0].one(b"host")) == (b"/a%2Fb?c", b"localhost")


def test_a_unix_socket_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with forwarding_to(f"unix:{tmp_path}/none.sock") as gateway:
        assert get(gateway.port).one(b"gateway-reason") == b"upstream-unreachable"


async def test_every_address_is_tried() -> None:
    with RawUpstream() as upstream:
        await connected(dial(upstream.port, Resolver("::1", "127.0.0.1")))


async def test_an_address_that_does_not_answer_leaves_time_for_the_next_and_stands_last_then() -> None:
    with RawUpstream() as upstream:
        calling = dial(upstream.port, Resolver(NOBODY, "127.0.0.1"), timeout=0.4)
        await connected(calling)
        started = time.monotonic()
        await connected(calling)
        assert time.monotonic() - started < 0.1
        assert list(await calling.addresses.all()) == ["127.0.0.1", NOBODY]


async def test_no_address_answers_within_the_time_for_all_of_them() -> None:
    started = time.monotonic()
    await unreachable(dial(9, Resolver(NOBODY, "192.0.2.2", "192.0.2.3"), timeout=0.3))
    assert time.monotonic() - started < 0.6


async def test_a_name_that_does_not_resolve_is_unreachable_and_asked_for_again() -> None:
    resolver = Resolver()
    with RawUpstream() as upstream:
        calling = dial(upstream.port, resolver)
        await unreachable(calling)
        resolver.addresses = ("127.0.0.1",)
        await connected(calling)


async def test_a_slow_answer_is_waited_for_in_vain_by_many_and_asked_for_once() -> None:
    resolver = Resolver("127.0.0.1", delay=0.4)
    with RawUpstream() as upstream:
        calling = dial(upstream.port, resolver, timeout=0.1)
        started = time.monotonic()
        await asyncio.gather(*(unreachable(calling) for _ in range(50)))
        assert time.monotonic() - started < 0.3
        await asyncio.sleep(0.35)
        await connected(calling)
        assert resolver.asked == 1
        calling.close()


async def test_new_connections_follow_a_name_that_moves() -> None:
    resolver = Resolver(NOBODY)
    with RawUpstream() as upstream:
        calling = dial(upstream.port, resolver, timeout=0.2)
        await unreachable(calling)
        resolver.addresses = ("127.0.0.1",)
        await asyncio.sleep(1.0)
        await connected(calling)
        assert list(await calling.addresses.all()) == ["127.0.0.1"]


async def test_a_burst_of_connections_asks_once() -> None:
    resolver = Resolver("127.0.0.1")
    with RawUpstream() as upstream:
        calling = dial(upstream.port, resolver)
        for _ in range(3):
            await asyncio.gather(*(connected(calling) for _ in range(20)))
        assert resolver.asked == 1


async def test_addresses_are_not_asked_for() -> None:
    resolver = Resolver()
    for host in ("127.0.0.1", "::1"):
        assert list(await Addresses(host, 80, resolver).all()) == [host]
    assert resolver.asked == 0


async def test_closing_ends_a_question_under_way() -> None:
    calling = dial(9, Resolver("127.0.0.1", delay=60), timeout=0.05)
    await unreachable(calling)
    calling.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("url", ["ftp://a", "http://", "http://u:p@a", "http://a/?q", "http://a/#f", "unix:a", "unix:"])
def test_what_is_no_place(url: str) -> None:
    with pytest.raises(ValueError, match=r"slash|credentials|upstream is"):
        Endpoint.parse(url)


@pytest.mark.parametrize("url", ["http://svc", "https://svc:8443/base", "http://[::1]:81", "unix:/run/svc.sock"])
def test_a_place_is_written_as_it_was(url: str) -> None:
    assert str(Endpoint.parse(url)) == url
