"""The accounts that the demo hands out; their passwords are made once and kept beside the database."""

import secrets
import string
from collections.abc import Sequence
from pathlib import Path

from gateway.accounts.passwords import Passwords
from gateway.accounts.store import AccountStore
from gateway.demo.banner import Account
from gateway.demo.keep import keep

_LETTERS = string.ascii_letters + string.digits


def kept_accounts(folder: Path) -> tuple[Account, Account]:
    """Admin and user, with the passwords kept in `folder`."""
    return (
        Account("admin@example.com", _password(folder / "admin-password"), "admin"),
        Account("user@example.com", _password(folder / "user-password"), "user"),
    )


def _password(path: Path) -> str:
    # Letters and digits only: a password that begins with `-` is an option to every command it is pasted to.
    return keep(path, lambda: "".join(secrets.choice(_LETTERS) for _ in range(16)))


async def ensure(store: AccountStore, passwords: Passwords, accounts: Sequence[Account]) -> None:
    """Make the accounts that are missing, and let each be entered with the password that is printed.

    Sessions stay, so that who was signed in before a restart still is. Opens and closes what it is given.
    """
    await store.open()
    await passwords.open()
    try:
        for account in accounts:
            await _ensure(store, passwords, account)
    finally:
        await passwords.close()
        await store.close()


async def _ensure(store: AccountStore, passwords: Passwords, account: Account) -> None:
    user = await store.by_email(account.email)
    if user is None:
        await store.create(
            email=account.email,
            password_hash=await passwords.hash(account.password),
            display_name=f"Demo {account.role}",
            role=account.role,
        )
        return
    verdict = await passwords.verify(user.password_hash, account.password)
    if not verdict.ok:
        await store.set_password(user.user_id, await passwords.hash(account.password), end_sessions=False)
