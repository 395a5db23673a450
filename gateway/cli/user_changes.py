"""What `gateway users` does: to the accounts, and to the running gateways, which hear of it through the
session store within a second."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.accounts.passwords import Passwords
from gateway.accounts.store import AccountStore
from gateway.accounts.user import User
from gateway.clock import SystemClock
from gateway.config.settings import Settings
from gateway.errors import Refusal
from gateway.observe.events import EventLog
from gateway.reasons import Reason
from gateway.sessions.connect import make_store
from gateway.sessions.events import EventKind, RevocationEvent
from gateway.sessions.store import SessionStore

_PAGE = 500


@asynccontextmanager
async def open_accounts(settings: Settings, *, create: bool = False) -> AsyncIterator[AccountStore]:
    """The account store of this configuration; only with `create` is it made. StoreUnavailable."""
    store = AccountStore(settings.accounts.database.reveal(), clock=SystemClock(), create=create)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_sessions(settings: Settings) -> AsyncIterator[SessionStore]:
    """The session store, known to answer: nothing is changed while nobody can be told. StoreUnavailable."""
    store = make_store(
        settings.sessions.store.reveal(),
        access_ttl=settings.tokens.access_ttl,
        idle_ttl=settings.tokens.idle_ttl,
        refresh_grace=settings.sessions.refresh_grace,
        max_per_user=settings.sessions.max_per_user,
        clock=SystemClock(),
    )
    try:
        await store.open()
        await store.ping()
        yield store
    finally:
        await store.close()


async def add_user(settings: Settings, *, email: str, display_name: str, role: str, password: str) -> User:
    """A new account. Refusal(EMAIL_TAKEN), StoreUnavailable."""
    rules = settings.accounts.password
    passwords = Passwords(min_length=rules.min_length, reject_common=rules.reject_common, threads=1)
    await passwords.open()
    try:
        if complaint := passwords.check(password):
            raise Refusal(Reason.FIELD_INVALID, detail=complaint)
        password_hash = await passwords.hash(password)
    finally:
        await passwords.close()
    async with open_accounts(settings, create=True) as accounts:
        user = await accounts.create(email=email, password_hash=password_hash, display_name=display_name, role=role)
    _note("user-added", user, role=user.role)
    return user


async def list_users(settings: Settings, text: str) -> list[User]:
    """All users with `text` in address or name, in the order of addresses."""
    found: list[User] = []
    async with open_accounts(settings) as accounts:
        while page := await accounts.search(text, limit=_PAGE, after=found[-1].user_id if found else None):
            found += page
    return found


async def change_role(settings: Settings, who: str, role: str) -> User:
    """The new role is in force at once, and nobody is signed out."""
    async with _both(settings) as (accounts, sessions):
        user = await accounts.set_role(await _id_of(accounts, who), role)
        await sessions.publish(RevocationEvent(EventKind.ROLE_CHANGED, user.user_id, user.role))
    _note("role-changed", user, role=user.role)
    return user


async def disable(settings: Settings, who: str) -> User:
    """No more logins, and every session of the user ends."""
    async with _both(settings) as (accounts, sessions):
        user = await accounts.set_disabled(await _id_of(accounts, who), True)
        await sessions.publish(RevocationEvent(EventKind.USER_DISABLED, user.user_id))
        await sessions.end_all(user.user_id, epoch=user.epoch)
    _note("user-disabled", user)
    return user


async def enable(settings: Settings, who: str) -> User:
    """The user may log in again."""
    async with _both(settings) as (accounts, sessions):
        user = await accounts.set_disabled(await _id_of(accounts, who), False)
        await sessions.publish(RevocationEvent(EventKind.USER_ENABLED, user.user_id))
    _note("user-enabled", user)
    return user


def _note(event: str, user: User, **details: str) -> None:
    """The same line as in the gateway's own log, for whoever keeps both: `uid` is who called."""
    EventLog(sys.stderr.write, SystemClock()).record(
        event, subject=user.user_id, session_id=None, address=None, request_id=None, uid=os.getuid(), **details
    )


@asynccontextmanager
async def _both(settings: Settings) -> AsyncIterator[tuple[AccountStore, SessionStore]]:
    async with AsyncExitStack() as stack:
        accounts = await stack.enter_async_context(open_accounts(settings))
        sessions = await stack.enter_async_context(open_sessions(settings))
        yield accounts, sessions


async def _id_of(accounts: AccountStore, who: str) -> str:
    user = await accounts.by_email(who) or await accounts.by_id(who)
    if user is None:
        raise Refusal(Reason.NO_ROUTE, detail="There is no such user")
    return user.user_id
