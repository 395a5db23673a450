"""The harness on real servers: one tiny run, and what it does when something is missing or wrong."""

import os
import shutil
from collections.abc import Iterator

import pytest

from benchmarks.bed import Bed
from benchmarks.cores import Cores
from benchmarks.errors import Missing, Unfit
from benchmarks.figure import Figure
from benchmarks.figures import bodies, idle, throughput
from benchmarks.gateway_server import start_gateway
from benchmarks.lineup import LINEUP
from benchmarks.peer import Peer, RunningPeer, Tokens
from benchmarks.plan import Plan
from benchmarks.processes import Process
from tests.support.missing import missing

TINY = Plan(rounds=1, seconds=1, seconds_alone=1, connections=8, body=8 * 1024 * 1024, idle=50)
BY_NAME = {peer.name: peer for peer in LINEUP}


@pytest.fixture
def bed() -> Iterator[Bed]:
    for program in ("nginx", "wrk"):
        if shutil.which(program) is None:
            missing(f"{program} is not installed")
    with Bed(TINY, Cores((), ())) as bed:
        yield bed


@pytest.mark.slow
def test_gateway_beside_nginx(bed: Bed) -> None:
    absent = Peer("absent", "Absent", True, _cannot_start)
    found = throughput.measure(bed, (BY_NAME["gateway"], BY_NAME["nginx"], absent))
    assert "| Absent: not measured, no such program |" in found.text
    gateway, nginx, direct = (found.data[name][0] for name in ("gateway", "nginx", "direct"))
    for visit in (gateway, nginx, direct):
        for sample in (visit["many"], visit["alone"]):
            assert sample["refused"] == sample["broken"] == 0
            assert 100 < sample["rate"] < 1_000_000
            assert 0 < sample["p50"] <= sample["p99"]
    assert gateway["many"]["cpu_micros"] > nginx["many"]["cpu_micros"] > 0
    assert gateway["alone"]["p50"] > direct["alone"]["p50"]


def test_large_bodies_and_idle_connections(bed: Bed) -> None:
    for figure in (bodies.measure(bed), idle.measure(bed)):
        assert figure.verdicts
        assert all(verdict.met for verdict in figure.verdicts), _told(figure)


def test_a_peer_that_does_not_do_the_work_is_not_measured(bed: Bed) -> None:
    nginx = BY_NAME["nginx"]
    process, port = nginx.start(bed)
    tokens = Tokens("admin.token.abc", "user.token.abc")
    RunningPeer(nginx, process, port).check(tokens)
    judging = Peer("nginx", "nginx, said to judge", True, nginx.start)
    with pytest.raises(Unfit, match=r"\[200, 200, 200, 200\] instead of \[200, 401, 401, 403\]"):
        RunningPeer(judging, process, port).check(tokens)


def test_a_change_that_the_gateway_does_not_know_is_left_out_if_it_may_be(bed: Bed) -> None:
    gateway = start_gateway(bed, {"tokens": {"issuer": "elsewhere"}}, optional={"server": {"speed": "fast"}})
    config = (gateway.directory / "config.yaml").read_text()
    assert "elsewhere" in config
    assert "speed" not in config


def test_everything_ends_with_the_bed() -> None:
    affinity = os.sched_getaffinity(0)
    with Bed(TINY) as bed:
        process = bed.start("sleeper", ["sleep", "60"], "load")
        assert process.alive()
        assert bed.directory.exists()
    assert not process.alive()
    assert not bed.directory.exists()
    assert os.sched_getaffinity(0) == affinity


def _cannot_start(_bed: Bed) -> tuple[Process, int]:
    raise Missing("no such program")


def _told(figure: Figure) -> str:
    return "; ".join(f"{verdict.what}: {verdict.measured}" for verdict in figure.verdicts)
