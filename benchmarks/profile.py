"""Microseconds for each layer of a proxied request: `python -m benchmarks.profile`."""

import asyncio
import time
import timeit
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from benchmarks.bed import Bed
from benchmarks.caller import run
from benchmarks.hot_path import ANSWER_HEADERS, HotPath, answer_at_once
from benchmarks.plan import FULL
from gateway.middleware.recorder import RequestRecorder
from gateway.policy.decide import decide
from gateway.policy.host import read_host
from gateway.policy.target import read_target
from gateway.principal import Anonymous
from gateway.proxy.headers import HeaderRules, request_headers, response_headers

SERVER = "server: parse the request, write the answer"
PIPELINE = "all of the gateway, with an upstream that answers at once"
EXCHANGE = "upstream: connection pool, write, parse the answer, sockets"

_CALLS, _REPEATS = 1000, 7


def layers(directory: Path, port: int = 9) -> dict[str, float]:
    """Microseconds of processor time by layer, without sockets: the best of several repeats."""
    return run(lambda: _layers(HotPath(directory, port)))


def exchange(directory: Path, port: int) -> float:
    """Microseconds of processor time for one exchange with the upstream at `port`, sockets and loop included."""
    return run(lambda: _exchange(HotPath(directory, port)))


async def _layers(path: HotPath) -> dict[str, float]:
    await path.parts.log.open()
    found = {}
    for name, call in (await _calls(path)).items():
        path.parts.revocations.heard()
        found[name] = min(timeit.repeat(call, timer=time.process_time, number=_CALLS, repeat=_REPEATS)) / _CALLS * 1e6
    for name, connection in ((SERVER, path.connection(answer_at_once)), (PIPELINE, path.connection())):
        path.parts.revocations.heard()
        found[name] = await _best(lambda connection=connection: path.ask(connection))  # type: ignore[misc]
    await path.parts.log.close()
    return found


async def _calls(path: HotPath) -> Mapping[str, Callable[[], object]]:
    """One call of each layer, on the values of a real request."""
    context, outgoing = await path.sample()
    target, match = context.target, context.match
    if target is None or match is None or context.principal is None:
        raise RuntimeError("the sample request was not let through")
    table, authenticator, principal = path.settings.table, path.parts.authenticator, context.principal
    recorder = RequestRecorder(log=path.parts.log, counters=path.parts.counters)
    rules, route, authority = HeaderRules(), match.route, dict(outgoing.headers)[b"host"]
    if isinstance(authenticator.authenticate(context), Anonymous):
        raise RuntimeError("the sample token is not good")
    return {
        "read the target": lambda: read_target(target.path, 8192),
        "read the host": lambda: read_host(b"127.0.0.1:8080"),
        "find the route": lambda: table.match(context.method, context.host, target),
        "authenticate, token seen before": lambda: authenticator.authenticate(context),
        "decide": lambda: decide(route, match.params, principal),
        "headers for the upstream": lambda: request_headers(rules, context, route, authority=authority),
        "headers for the client": lambda: response_headers(
            rules,
            ANSWER_HEADERS,
            status=200,
            request_id=context.request_id,
            forwarding=route.forwarding,
            upstream="service",
        ),
        "count and log": lambda: recorder.finished(context, 0.001),
        "(of it: count)": lambda: path.parts.counters.observe_request("orders", "allowed", 200, 0.001),
    }


async def _best(call: Callable[[], Awaitable[object]]) -> float:
    best = float("inf")
    for _ in range(_REPEATS):
        started = time.process_time()
        for _ in range(_CALLS):
            await call()
        best = min(best, time.process_time() - started)
        # Longer than the log waits with its lines, so that none has to be dropped.
        await asyncio.sleep(0.15)
    return best / _CALLS * 1e6


async def _exchange(path: HotPath) -> float:
    _, request = await path.sample()
    transport = path.transport
    await transport.open()

    async def once() -> None:
        response = await transport.send(request)
        async for _ in response.chunks():
            pass
        await response.close()

    try:
        return await _best(once)
    finally:
        await transport.close()


def main() -> None:
    """Print the layers."""
    with Bed(FULL) as bed:
        found = layers(bed.directory)
        found[EXCHANGE] = exchange(bed.directory, bed.upstream())
    for name, micros in found.items():
        print(f"{micros:8.1f} µs  {name}")


if __name__ == "__main__":
    main()
