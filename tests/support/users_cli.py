"""`gateway users` run in this process, and a look at what it left behind."""

import json
import os
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gateway.accounts.store import AccountStore
from gateway.accounts.user import User
from gateway.cli.users import command
from gateway.clock import SystemClock
from gateway.sessions.connect import make_store
from gateway.sessions.events import EventKind
from gateway.sessions.store import NewSession, SessionStore

CONFIG = """
tokens: {{secret: "{secret}"}}
sessions: {{store: "{sessions}"}}
accounts: {{database: "{accounts}"}}
roles: {{admin: {{includes: [user]}}, editor: {{}}, user: {{}}}}
upstreams: {{shop: {{targets: ["http://127.0.0.1:9"]}}}}
routes:
  - {{name: shop, path: /shop/**, access: authenticated, upstream: shop}}
"""

Users = Callable[..., Result]


def write_config(folder: Path, accounts: str, sessions: str) -> Path:
    config = folder / "config.yaml"
    secret = b64encode(os.urandom(32)).decode()
    config.write_text(CONFIG.format(secret=secret, accounts=accounts, sessions=sessions))
    return config


def runner(config: Path) -> Users:
    def run(*words: str, password: str | bytes | None = None) -> Result:
        return CliRunner().invoke(command, [*words, "--config", str(config)], input=password)

    return run


def added(users: Users, email: str, *options: str) -> dict[str, Any]:
    result = users("add", email, "--password-stdin", "--json", *options, password="correct horse\n")
    assert result.exit_code == 0, result.stderr
    shown: dict[str, Any] = json.loads(result.stdout)
    return shown


async def stored(url: str, email: str) -> User:
    store = AccountStore(url, clock=SystemClock())
    await store.open()
    user = await store.by_email(email)
    await store.close()
    assert user is not None
    return user


@asynccontextmanager
async def opened_sessions(url: str) -> AsyncIterator[SessionStore]:
    store = make_store(url, access_ttl=60, idle_ttl=600, refresh_grace=1, max_per_user=9, clock=SystemClock())
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def sign_in(url: str, user_id: str) -> None:
    now = int(SystemClock().now())
    session = NewSession(user_id, "session", "hash", 0, now, now + 600, "agent", "127.0.0.1")
    async with opened_sessions(url) as store:
        await store.create(session)


async def heard(url: str, user_id: str) -> tuple[set[tuple[EventKind, str, str]], bool]:
    """What running gateways are told, and whether the session of `sign_in` is still alive."""
    async with opened_sessions(url) as store:
        batch = await store.tail()
        told = list(batch.events)
        while batch.events:
            batch = await store.events_after(batch.cursor, 0)
            told += batch.events
        live = await store.is_live(user_id, "session")
    return {(event.kind, event.ref, event.value) for event in told}, live
