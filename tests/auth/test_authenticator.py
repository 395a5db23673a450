"""From a token to an identity: revocations, the role in force, staleness, and the store's word."""

import uuid
from collections.abc import AsyncIterator

import pytest

from gateway.auth.authenticator import TokenAuthenticator
from gateway.clock import ManualClock
from gateway.context import GatewayContext
from gateway.errors import Refusal, StoreUnavailable
from gateway.principal import Anonymous, Principal
from gateway.reasons import Reason
from gateway.secret import Secret
from gateway.sessions.events import EventKind, RevocationEvent
from gateway.sessions.revocation import RevocationView
from gateway.sessions.store import SessionStore
from gateway.tokens.access import AccessSubject, AccessTokens
from gateway.tokens.keys import KeyRing
from tests.support.running_gateway import SECRET
from tests.support.session_stores import make_store, new_session

USER = str(uuid.UUID(int=7))
BOUND = 30.0


class World:
    """One user with one session, and everything that judges its token."""

    def __init__(self, url: str, *, deny_when_stale: bool = True) -> None:
        self.clock = ManualClock()
        self.view = RevocationView(clock=self.clock, max_staleness=BOUND)
        self.view.heard()
        self.store: SessionStore = make_store(url, self.clock)
        ring = KeyRing.from_secret(Secret(SECRET))
        self.tokens = AccessTokens(ring, issuer="gateway", audience=None, ttl=60, clock=self.clock)
        subject = AccessSubject(user_id=USER, email="a@example.com", display_name="A", role="user", session_id="s1")
        self.token = self.tokens.issue(subject).token
        self.authenticator = TokenAuthenticator(
            verifier=self.tokens, revocations=self.view, store=self.store, deny_when_stale=deny_when_stale
        )

    def hear(self, kind: EventKind, ref: str, value: str = "") -> None:
        self.view.apply(RevocationEvent(kind=kind, ref=ref, value=value, expires_at=int(self.clock.now()) + 120))

    def judge(self) -> Principal | Anonymous:
        headers = [(b"authorization", b"Bearer " + self.token.encode())]
        context = GatewayContext(
            request_id="r", started=0, method="GET", scheme="http", peer="127.0.0.1", headers=headers
        )
        return self.authenticator.authenticate(context)


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    made = World(sqlite_url)
    await made.store.open()
    yield made
    await made.store.close()


def roles(judged: Principal | Anonymous) -> tuple[str, ...]:
    assert isinstance(judged, Principal)
    return judged.roles


def test_a_good_token_is_its_subject(world: World) -> None:
    judged = world.judge()
    assert isinstance(judged, Principal)
    assert (judged.subject, judged.session_id, judged.roles) == (USER, "s1", ("user",))


def test_revocations_reach_a_token_that_was_verified_before(world: World) -> None:
    assert roles(world.judge()) == ("user",)
    world.hear(EventKind.SESSION_ENDED, "another")
    assert roles(world.judge()) == ("user",)
    world.hear(EventKind.SESSION_ENDED, "s1")
    assert world.judge() == Anonymous(Reason.TOKEN_REVOKED)


def test_the_role_in_force_overlays_the_claim(world: World) -> None:
    world.hear(EventKind.ROLE_CHANGED, USER, "admin")
    assert roles(world.judge()) == ("admin",)
    world.hear(EventKind.ROLE_CHANGED, USER, "user")
    assert roles(world.judge()) == ("user",)


def test_a_disabled_user_comes_back_when_enabled(world: World) -> None:
    world.hear(EventKind.USER_DISABLED, USER)
    assert world.judge() == Anonymous(Reason.TOKEN_REVOKED)
    world.hear(EventKind.USER_ENABLED, USER)
    assert roles(world.judge()) == ("user",)


def test_expiry_is_judged_on_every_request(world: World) -> None:
    assert roles(world.judge()) == ("user",)
    world.clock.advance(60)
    world.view.heard()
    assert world.judge() == Anonymous(Reason.TOKEN_EXPIRED)


def test_beyond_the_bound_nothing_is_believed(world: World) -> None:
    world.clock.advance(BOUND - 1)
    assert roles(world.judge()) == ("user",)
    world.clock.advance(2)
    with pytest.raises(Refusal) as refused:
        world.judge()
    assert (refused.value.reason, refused.value.retry_after) == (Reason.REVOCATION_STALE, 1)
    world.view.heard()
    assert roles(world.judge()) == ("user",)


def test_beyond_the_bound_a_bad_token_is_still_a_bad_token(world: World) -> None:
    world.clock.advance(BOUND + 1)
    world.token = "a.b.c"
    assert world.judge() == Anonymous(Reason.TOKEN_MALFORMED)


def test_allowing_staleness_goes_on_with_what_is_known(sqlite_url: str) -> None:
    lenient = World(sqlite_url, deny_when_stale=False)
    lenient.clock.advance(BOUND + 1)
    assert roles(lenient.judge()) == ("user",)


async def test_the_store_has_the_last_word_on_strict_routes(world: World) -> None:
    assert await world.authenticator.confirm(world.judge()) == Anonymous(Reason.TOKEN_REVOKED)
    await world.store.create(new_session(world.clock, "s1", USER))
    assert roles(await world.authenticator.confirm(world.judge())) == ("user",)
    await world.store.end(USER, "s1")
    assert roles(world.judge()) == ("user",)
    assert await world.authenticator.confirm(world.judge()) == Anonymous(Reason.TOKEN_REVOKED)


async def test_a_store_that_is_away_is_never_a_pass(world: World) -> None:
    judged = world.judge()
    await world.store.close()
    with pytest.raises(StoreUnavailable):
        await world.authenticator.confirm(judged)
