"""Clients that take more than they give: floods in one connection, and readers that do not read."""

import socket
import time
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.raw_client import RawClient
from tests.support.raw_client import get as ask
from tests.support.running_gateway import RunningGateway

TINY = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"


def resident(gateway: RunningGateway) -> int:
    """Bytes of memory the gateway's process holds."""
    assert gateway.process is not None
    fields = Path(f"/proc/{gateway.process.pid}/statm").read_text().split()
    return int(fields[1]) * 4096


def test_a_pipeline_without_end_is_answered_so_far_and_closed(client: RawClient) -> None:
    client.send(TINY * 2000)
    statuses = []
    while (status := client.response().status) == 404:
        statuses.append(status)
    assert (status, client.ended()) == (503, True)
    assert 32 <= len(statuses) <= 40


def test_floods_of_pipelined_requests_leave_memory_where_it_was(gateway: RunningGateway) -> None:
    before = resident(gateway)
    for _ in range(40):
        with socket.create_connection(("127.0.0.1", gateway.port)) as flood:
            flood.settimeout(2)
            try:
                flood.sendall(TINY * 20_000)
            except OSError:
                continue
    assert resident(gateway) - before < 32 * 1024 * 1024
    assert ask(gateway.port, "/public/x").status == 200


def test_a_reader_that_does_not_read_is_dropped(gateway: RunningGateway) -> None:
    """The idle deadline is two seconds here; the answers of 200 requests do not fit into the socket's buffers."""
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.connect(("127.0.0.1", gateway.port))
        body = b"x" * 60_000
        request = b"POST /public/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        silent.setblocking(False)
        begun = time.monotonic()
        pending = memoryview((request + body) * 200)

        def dropped() -> bool:
            nonlocal pending
            try:
                pending = pending[silent.send(pending) :]
            except BlockingIOError:
                return False
            except OSError:
                return True
            return False

        eventually(dropped, 10)
        assert time.monotonic() - begun > 1.5
