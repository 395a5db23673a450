"""What lasts is judged again with each piece of news, and its session looked up from time to time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import ManualClock
from gateway.context import GatewayContext
from gateway.errors import StoreUnavailable
from gateway.policy.access import Access, AccessAuthenticated, AccessRequires, Roles
from gateway.policy.roles import RoleGraph
from gateway.policy.table import Match
from gateway.principal import Principal
from gateway.proxy.live import Live
from gateway.reasons import Reason
from gateway.sessions.events import EventKind, RevocationEvent
from gateway.sessions.revocation import RevocationView
from gateway.sessions.store import SessionStore
from tests.proxy.harness import ANN, ROUTE
from tests.support.session_stores import IDLE_TTL, make_store, new_session

ADMINS = AccessRequires(Roles.any_of(["admin"], RoleGraph()))
USERS = AccessRequires(Roles.any_of(["user", "admin"], RoleGraph()))
SESSION_ID, USER_ID = "s1", "u1"
LATER = 1_900_000_000
CALLER = replace(ANN, subject=USER_ID, session_id=SESSION_ID, expires_at=LATER)


class World:
    """A registry with its surroundings; `cuts` holds why things were cut, in order."""

    def __init__(self, store: SessionStore, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self.view = RevocationView(clock=clock, max_staleness=30)
        self.counted: list[str] = []
        self.cuts: list[Reason] = []
        self.live = Live(revocations=self.view, store=store, clock=clock, count_cut=self.counted.append, period=0.05)

    def watch(self, principal: Principal | None = CALLER, access: Access | None = None) -> None:
        context = GatewayContext(request_id="", started=0, method="GET", scheme="http", peer="", headers=[])
        context.principal = principal
        context.match = Match(replace(ROUTE, access=access or AccessAuthenticated()), {})
        self.live.watch(context, self.cuts.append)

    def hear(self, kind: EventKind, ref: str, value: str = "") -> None:
        self.view.apply(RevocationEvent(kind, ref, value, LATER))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = ManualClock()
    store = make_store(f"sqlite:///{tmp_path}/sessions.db", clock)
    await store.open()
    await store.create(new_session(clock))
    world = World(store, clock)
    await world.live.open()
    yield world
    await world.live.close()
    await store.close()


async def test_the_end_of_a_session_cuts_what_it_began_and_nothing_else(world: World) -> None:
    world.watch()
    world.watch()
    world.watch(replace(CALLER, session_id="another"))
    world.watch(None)
    world.hear(EventKind.SESSION_ENDED, "yet another")
    assert world.cuts == []
    world.hear(EventKind.SESSION_ENDED, SESSION_ID)
    world.hear(EventKind.SESSION_ENDED, SESSION_ID)
    assert world.cuts == [Reason.TOKEN_REVOKED] * 2
    assert world.counted == ["token-revoked"] * 2
    assert world.live.watched == 1


async def test_a_disabled_user_is_cut_everywhere(world: World) -> None:
    world.watch()
    world.watch(replace(CALLER, session_id="another"))
    world.hear(EventKind.USER_DISABLED, "somebody")
    assert world.cuts == []
    world.hear(EventKind.USER_DISABLED, USER_ID)
    assert world.cuts == [Reason.TOKEN_REVOKED] * 2


@pytest.mark.parametrize(
    ("access", "roles", "cuts"),
    [
        (ADMINS, ["user"], [Reason.ROLE_MISSING]),
        (USERS, ["admin", "user"], []),
        (USERS, ["guest"], [Reason.ROLE_MISSING]),
        (AccessAuthenticated(), ["guest"], []),
    ],
    ids=["no admin any more", "still met", "not met", "nothing asked"],
)
async def test_a_role_change_cuts_where_the_policy_is_not_met(
    world: World, access: Access, roles: list[str], cuts: list[Reason]
) -> None:
    world.watch(replace(CALLER, roles=("admin",)), access)
    for role in roles:
        world.hear(EventKind.ROLE_CHANGED, USER_ID, role)
    assert world.cuts == cuts


async def test_what_was_heard_between_the_decision_and_the_watch_counts(world: World) -> None:
    world.hear(EventKind.SESSION_ENDED, SESSION_ID)
    world.watch()
    assert world.cuts == [Reason.TOKEN_REVOKED]
    assert world.live.watched == 0


async def test_a_session_that_expires_without_a_word_is_found(world: World) -> None:
    world.watch()
    await asyncio.sleep(0.2)
    assert world.cuts == []
    world.clock.advance(IDLE_TTL + 1)
    await asyncio.sleep(0.3)
    assert world.cuts == [Reason.SESSION_ENDED]


async def test_a_store_that_is_away_cuts_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def away(user_id: str, session_id: str) -> bool:
        asked.set()
        raise StoreUnavailable("sessions")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "is_live", away)
        world.watch()
        await asyncio.wait_for(asked.wait(), 2)
    world.clock.advance(IDLE_TTL + 1)
    assert world.cuts == []
    await asyncio.sleep(0.4)
    assert world.cuts == [Reason.SESSION_ENDED]


async def test_a_token_without_a_session_lasts_as_long_as_it_says(world: World) -> None:
    foreign = replace(CALLER, session_id=None, expires_at=int(world.clock.now()) + 1)
    world.watch(foreign)
    world.watch(replace(foreign, expires_at=int(world.clock.now()) - 5))
    await asyncio.sleep(0.1)
    assert world.cuts == [Reason.TOKEN_EXPIRED]
    await asyncio.sleep(1.1)
    assert world.cuts == [Reason.TOKEN_EXPIRED] * 2
    assert world.live.watched == 0


async def test_many_sessions_are_looked_up_in_turn_and_not_all_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def count(user_id: str, session_id: str) -> bool:
        asked.append(session_id)
        return True

    monkeypatch.setattr(world.store, "is_live", count)
    for number in range(500):
        world.watch(replace(CALLER, session_id=f"s{number}"))
    await asyncio.sleep(0.5)
    assert 10 < len(asked) < 60
    assert len(set(asked)) == len(asked)
