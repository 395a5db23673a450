"""How much of everything a run measures."""

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` of load at 64 connections, `seconds_alone` at one, for each peer in each of `rounds`."""

    rounds: int = 5
    seconds: int = 4
    seconds_alone: int = 2
    connections: int = 64
    routes: int = 10_000
    revoked: int = 1_000_000
    body: int = 1024 * _MIB
    idle: int = 10_000
    websockets: int = 5_000
    refresh_seconds: float = 10.0
    login_seconds: int = 10
    logins: int = 50


FULL = Plan()
QUICK = Plan(
    rounds=1,
    seconds=1,
    seconds_alone=1,
    routes=2_000,
    revoked=100_000,
    body=128 * _MIB,
    idle=2_000,
    websockets=500,
    refresh_seconds=2.0,
    login_seconds=2,
)
