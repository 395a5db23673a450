"""Does a body of a gigabyte pass without being held?"""

import socket
import sys
import time
from collections.abc import Callable

from benchmarks.ask import wait_for
from benchmarks.bed import Bed
from benchmarks.cores import LOAD
from benchmarks.errors import Unfit
from benchmarks.figure import Figure, mib, table
from benchmarks.gateway_server import GatewayServer, start_gateway
from benchmarks.targets import STREAM_BYTES, memory_at_most
from tests.support.ports import free_port

_BLOCK = bytes(64 * 1024)
_SECONDS = 120.0

Transfer = Callable[[int, int, str], int]


def measure(bed: Bed) -> Figure:
    """`plan.body` bytes up, then down, counted at the far end; memory is the peak, as the kernel keeps it."""
    port = free_port()
    wait_for(bed.start("streams", [sys.executable, "-m", "benchmarks.streams", str(port)], LOAD), port)
    gateway = start_gateway(bed, {"server": {"limits": {"body": f"{bed.plan.body // 1024 // 1024}MiB"}}}, upstream=port)
    token = gateway.tokens().admin
    size = bed.plan.body
    amount = f"{size // 1024 // 1024:,} MiB"
    rows, verdicts, data = [], [], {}
    for name, transfer in (("upload", upload), ("download", download)):
        seconds, grown = _watched(gateway, transfer, size, token)
        rows.append([f"{name}, {amount}", f"{mib(size / seconds)}/s", mib(grown)])
        verdicts.append(memory_at_most(f"more memory at the peak, {name} of {amount}", grown, STREAM_BYTES))
        data[name] = {"seconds": seconds, "grown": grown}
    return Figure("bodies", "Large bodies", table(("what", "rate", "peak memory over before"), rows), verdicts, data)


def _watched(gateway: GatewayServer, transfer: Transfer, size: int, token: str) -> tuple[float, int]:
    gateway.process.reset_peak()
    before, started = gateway.process.memory(), time.monotonic()
    arrived = transfer(gateway.port, size, token)
    if arrived != size:
        raise Unfit(f"{arrived} of {size} bytes arrived")
    return time.monotonic() - started, gateway.process.peak_memory() - before


def upload(port: int, size: int, token: str) -> int:
    """How many bytes of the body the upstream says it was sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
        connection.sendall(_head("POST", "/streams/count", token, size))
        left = size
        while left > 0:
            connection.sendall(_BLOCK[:left])
            left -= len(_BLOCK)
        status, body = _answer(connection)
        if status != 200:
            raise Unfit(f"the upload was answered with {status}")
        return int(body)


def download(port: int, size: int, token: str) -> int:
    """How many bytes of the body arrived."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
        connection.sendall(_head("GET", f"/streams/bytes/{size}", token))
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096)
        if b" 200 " not in data[:16]:
            raise Unfit(f"the download was answered with {data[:100]!r}")
        arrived = len(data.partition(b"\r\n\r\n")[2])
        room = bytearray(256 * 1024)
        while arrived < size and (more := connection.recv_into(room)):
            arrived += more
        return arrived


def _head(method: str, path: str, token: str, length: int | None = None) -> bytes:
    sized = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n{sized}\r\n".encode()


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    with connection.makefile("rb") as answer:
        status = int(answer.readline().split()[1])
        length = 0
        while (line := answer.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return status, answer.read(length)
