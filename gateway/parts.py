"""Builds every component of a worker from the settings. Nothing is opened here (see `gateway.lifespan`)."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.accounts.passwords import Passwords, spare_threads
from gateway.accounts.store import AccountStore
from gateway.admin.report import WorkerReport
from gateway.auth.authenticator import TokenAuthenticator
from gateway.auth.endpoints import AuthEndpoints
from gateway.auth.grants import Grants
from gateway.auth.registration import SignIn
from gateway.auth.sessions import SessionLife
from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.errors import StoreUnavailable
from gateway.lifespan import Opened
from gateway.observe.access_log import AccessLog
from gateway.observe.counters import Counters
from gateway.observe.events import EventLog
from gateway.outage import told
from gateway.proxy.live import Live
from gateway.proxy.upstream import Upstream
from gateway.sessions.connect import make_limiter, make_store
from gateway.sessions.feed import RevocationFeed
from gateway.sessions.limiter import Limiter
from gateway.sessions.revocation import RevocationView
from gateway.sessions.store import SessionStore
from gateway.sessions.unfinished import UnfinishedEnds
from gateway.tokens.access import AccessTokens
from gateway.tokens.keys import KeyRing
from gateway.tokens.refresh import RefreshTokens
from gateway.upstreams import make_upstreams

Write = Callable[[str], object]

logger = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class Parts:
    """One worker's components, wired."""

    settings: Settings
    clock: Clock
    counters: Counters
    log: AccessLog
    events: EventLog
    accounts: AccountStore
    passwords: Passwords
    store: SessionStore
    ends: UnfinishedEnds
    limiter: Limiter
    revocations: RevocationView
    feed: RevocationFeed
    live: Live
    authenticator: TokenAuthenticator
    endpoints: AuthEndpoints
    upstreams: Mapping[str, Upstream]

    def in_order(self) -> Sequence[Opened]:
        """The order of opening; what uses another part comes after it."""
        return (
            self.log,
            self.events,
            self.accounts,
            self.passwords,
            self.store,
            self.ends,
            self.limiter,
            self.live,
            self.feed,
            *self.upstreams.values(),
        )

    async def prepare(self) -> None:
        """What has to be so before the first request: the first administrator, and fair warnings."""
        admin = self.settings.accounts.bootstrap_admin
        if admin.email and admin.password:
            await self.accounts.create_first_admin(
                email=admin.email,
                password_hash=await self.passwords.hash(admin.password.reveal().decode()),
                display_name="Administrator",
            )
        try:
            warnings = await self.store.warnings()
        except StoreUnavailable as error:
            warnings = [told(self.settings, error), "login and refresh will say 503 until the session store answers"]
        for warning in warnings:
            logger.warning("%s", warning)

    def report(self) -> WorkerReport:
        """What the management listener is told of this worker."""
        waits = []
        if not self.feed.ready:
            waits.append("revocations not read yet")
        elif self.authenticator.deny_when_stale and self.revocations.stale():
            waits.append("revocations are stale")
        return WorkerReport(os.getpid(), tuple(waits), self.counters.snapshot())


def make_parts(settings: Settings, clock: Clock, write: Write) -> Parts:
    """All components of one worker; `write` takes the lines of the request and event logs."""
    tokens = settings.tokens
    ring = KeyRing.from_secret(tokens.secret)
    access = AccessTokens(ring, issuer=tokens.issuer, audience=tokens.audience, ttl=int(tokens.access_ttl), clock=clock)
    store = _store(settings, clock)
    ends = UnfinishedEnds(store)
    revocations = RevocationView(clock=clock, max_staleness=settings.sessions.revocation.max_staleness)
    log = AccessLog(write, clock)
    counters = _counters(revocations, log)
    events = EventLog(write, clock, observe=counters.observe_event)
    deny = settings.sessions.revocation.when_stale == "deny"
    authenticator = TokenAuthenticator(verifier=access, revocations=revocations, store=store, deny_when_stale=deny)
    accounts = AccountStore(settings.accounts.database.reveal(), clock=clock)
    passwords = _passwords(settings)
    refresh = RefreshTokens(ring, issuer=tokens.issuer)
    grants = Grants(access=access, refresh=refresh, store=store, refresh_ttl=int(tokens.refresh_ttl), clock=clock)
    open_to_all = settings.accounts.registration == "open"
    sign_in = SignIn(accounts=accounts, passwords=passwords, grants=grants, audit=events, registration_open=open_to_all)
    life = SessionLife(
        accounts=accounts,
        passwords=passwords,
        store=store,
        ends=ends,
        refresh=refresh,
        grants=grants,
        audit=events,
        count_refresh=counters.observe_refresh,
    )
    return Parts(
        settings=settings,
        clock=clock,
        counters=counters,
        log=log,
        events=events,
        accounts=accounts,
        passwords=passwords,
        store=store,
        ends=ends,
        limiter=make_limiter(settings.sessions.store.reveal(), clock=clock),
        revocations=revocations,
        feed=RevocationFeed(store, revocations),
        live=Live(revocations=revocations, store=store, clock=clock, count_cut=counters.observe_cut),
        authenticator=authenticator,
        endpoints=AuthEndpoints(sign_in=sign_in, life=life, authenticator=authenticator, jwks=ring.public_jwks),
        upstreams=make_upstreams(settings.upstreams),
    )


def _counters(revocations: RevocationView, log: AccessLog) -> Counters:
    return Counters(
        staleness=revocations.staleness,
        revocations=lambda: sum(revocations.counts().values()),
        dropped_lines=lambda: log.dropped,
    )


def _passwords(settings: Settings) -> Passwords:
    policy = settings.accounts.password
    return Passwords(min_length=policy.min_length, reject_common=policy.reject_common, threads=spare_threads())


def _store(settings: Settings, clock: Clock) -> SessionStore:
    sessions, tokens = settings.sessions, settings.tokens
    return make_store(
        sessions.store.reveal(),
        access_ttl=tokens.access_ttl,
        idle_ttl=tokens.idle_ttl,
        refresh_grace=sessions.refresh_grace,
        max_per_user=sessions.max_per_user,
        clock=clock,
    )
