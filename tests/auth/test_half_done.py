"""What changes an account and its sessions: whole, not at all, or finished later; and the answer says which."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from gateway.accounts.passwords import Passwords
from gateway.accounts.store import AccountStore
from gateway.auth.bodies import Credentials, PasswordChange, Registration
from gateway.auth.grants import Caller, Grants
from gateway.auth.registration import SignIn
from gateway.auth.sessions import SessionLife
from gateway.clock import SystemClock
from gateway.errors import Refusal, StoreUnavailable
from gateway.lifespan import Opened
from gateway.principal import Principal
from gateway.reasons import Reason
from gateway.secret import Secret
from gateway.sessions.sql_store import SqlSessionStore
from gateway.sessions.store import NewSession
from gateway.sessions.unfinished import UnfinishedEnds
from gateway.tokens.access import AccessTokens
from gateway.tokens.keys import KeyRing
from gateway.tokens.refresh import RefreshTokens
from tests.support.running_gateway import SECRET

CALLER = Caller("Firefox", "203.0.113.7", "request-1")
EMAIL, OLD, NEW = "a@example.com", "old-password", "new-password"
DOWN = StoreUnavailable("sessions")


class Faulty(SqlSessionStore):
    """A store that fails in the methods named, as one does that goes away in the midst of a request."""

    faults: frozenset[str] = frozenset()

    async def ping(self) -> None:
        self._fail("ping")
        await super().ping()

    async def create(self, session: NewSession) -> tuple[str, ...]:
        self._fail("create")
        return await super().create(session)

    async def end_all(self, user_id: str, *, epoch: int, keep: str | None = None, older_only: bool = False) -> int:
        self._fail("end_all")
        return await super().end_all(user_id, epoch=epoch, keep=keep, older_only=older_only)

    def _fail(self, method: str) -> None:
        if method in self.faults:
            raise DOWN


class Recorded:
    """An audit log in a list."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def record(
        self,
        event: str,
        *,
        subject: str | None = None,
        session_id: str | None = None,
        address: str | None = None,
        request_id: str | None = None,
    ) -> None:
        self.events.append(event)


class World:
    """Accounts and sessions in one file, and all that `/auth` does with them."""

    def __init__(self, url: str) -> None:
        clock = SystemClock()
        self.accounts = AccountStore(url, clock=clock)
        self.passwords = Passwords(min_length=8, reject_common=False)
        self.store = Faulty(url, access_ttl=600, idle_ttl=600, refresh_grace=10, max_per_user=9, clock=clock)
        self.ends = UnfinishedEnds(self.store)
        self.audit = Recorded()
        ring = KeyRing.from_secret(Secret(SECRET))
        self.tokens = AccessTokens(ring, issuer="gateway", audience=None, ttl=600, clock=clock)
        refresh = RefreshTokens(ring, issuer="gateway")
        grants = Grants(access=self.tokens, refresh=refresh, store=self.store, refresh_ttl=600, clock=clock)
        self.sign_in = SignIn(
            accounts=self.accounts, passwords=self.passwords, grants=grants, audit=self.audit, registration_open=True
        )
        self.life = SessionLife(
            accounts=self.accounts,
            passwords=self.passwords,
            store=self.store,
            ends=self.ends,
            refresh=refresh,
            grants=grants,
            audit=self.audit,
            count_refresh=str,
        )

    async def register(self) -> Principal:
        granted = await self.sign_in.register(Registration(email=EMAIL, password=OLD, display_name="A"), CALLER)
        return self.tokens.verify(granted["access_token"].encode())

    async def login(self, password: str) -> Principal:
        granted = await self.sign_in.login(Credentials(email=EMAIL, password=password), CALLER)
        return self.tokens.verify(granted["access_token"].encode())

    async def change_password(self, principal: Principal) -> None:
        await self.life.change_password(principal, PasswordChange(current=OLD, new=NEW), CALLER)

    async def logout_all(self, principal: Principal) -> None:
        await self.life.logout_all(principal, CALLER)

    async def is_live(self, principal: Principal) -> bool:
        return await self.store.is_live(principal.subject, principal.session_id or "")


Act = Callable[[World, Principal], Awaitable[None]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(f"sqlite:///{tmp_path}/gateway.db")
    parts: list[Opened] = [world.accounts, world.passwords, world.store]
    for part in parts:
        await part.open()
    yield world
    for part in reversed(parts):
        await part.close()


async def refusal_of(work: Awaitable[object]) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await work
    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    assert refused.value.retry_after == DOWN.retry_after
    return refused.value


@pytest.mark.parametrize("act", [World.change_password, World.logout_all])
async def test_a_store_that_is_away_is_found_out_before_anything_changes(world: World, act: Act) -> None:
    principal, other = await world.register(), await world.login(OLD)
    world.store.faults = frozenset({"ping", "create", "end_all"})
    await refusal_of(act(world, principal))
    world.store.faults = frozenset()
    user = await world.accounts.by_email(EMAIL)
    assert user is not None
    assert user.epoch == 0
    assert len(world.ends) == 0
    assert world.audit.events == ["registered", "login"]
    assert await world.is_live(other)
    assert await world.is_live(await world.login(OLD))


async def test_nobody_is_registered_while_the_store_is_away(world: World) -> None:
    world.store.faults = frozenset({"ping", "create"})
    await refusal_of(world.register())
    assert await world.accounts.by_email(EMAIL) is None
    world.store.faults = frozenset()
    assert await world.is_live(await world.register())


@pytest.mark.parametrize("act", [World.change_password, World.logout_all])
async def test_sessions_that_could_not_be_ended_are_ended_later(world: World, act: Act) -> None:
    principal, other = await world.register(), await world.login(OLD)
    world.store.faults = frozenset({"end_all"})
    await refusal_of(act(world, principal))
    assert len(world.ends) == 1
    assert await world.is_live(other)
    newer = await world.login(NEW if act is World.change_password else OLD)
    world.store.faults = frozenset()
    await world.ends.close()
    assert not await world.is_live(other)
    assert not await world.is_live(principal)
    assert await world.is_live(newer)


@pytest.mark.parametrize("fault", ["end_all", "create"])
async def test_a_password_that_was_changed_is_said_to_be(world: World, fault: str) -> None:
    principal = await world.register()
    world.store.faults = frozenset({fault})
    refusal = await refusal_of(world.change_password(principal))
    assert refusal.detail.startswith("The password was changed")
    assert world.audit.events[-1] == "password-changed"
    world.store.faults = frozenset()
    assert await world.is_live(await world.login(NEW))


async def test_an_account_that_was_made_is_said_to_be_and_can_log_in(world: World) -> None:
    world.store.faults = frozenset({"create"})
    refusal = await refusal_of(world.register())
    assert refusal.detail.startswith("The account was made")
    assert world.audit.events == ["registered"]
    world.store.faults = frozenset()
    with pytest.raises(Refusal) as again:
        await world.register()
    assert again.value.reason is Reason.EMAIL_TAKEN
    assert await world.is_live(await world.login(OLD))
