"""A process of its own on an account store: `python -m tests.support.account_worker COMMAND URL`."""

import asyncio
import resource
import sys
from itertools import count

from gateway.accounts.store import AccountStore
from gateway.clock import SystemClock
from gateway.errors import StoreUnavailable


async def write(store: AccountStore) -> None:
    """Make users for ever, printing each id once it is committed."""
    for number in count():
        user = await store.create(email=f"u{number}@example.com", password_hash="h", display_name="U", role="user")
        print(user.user_id, flush=True)


async def fill(store: AccountStore) -> None:
    """As if the disk were full: files may grow no further. Prints `unavailable` when the store says so."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        await write(store)
    except StoreUnavailable:
        print("unavailable", await store.by_email("u0@example.com") is not None, flush=True)


async def stay(_store: AccountStore) -> None:
    """Nothing: opening is the test."""


async def run(command: str, url: str) -> None:
    store = AccountStore(url, clock=SystemClock())
    await store.open()
    try:
        await {"write": write, "fill": fill, "stay": stay}[command](store)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2]))
