"""The demo's accounts: the same after every start, with the password that is printed."""

from pathlib import Path

from gateway.accounts.passwords import Passwords
from gateway.accounts.store import AccountStore
from gateway.clock import SystemClock
from gateway.demo.accounts import ensure, kept_accounts
from gateway.demo.banner import Account


def store_in(folder: Path) -> AccountStore:
    return AccountStore(f"sqlite:///{folder}/gateway.db", clock=SystemClock())


def passwords() -> Passwords:
    return Passwords(min_length=8, reject_common=False)


async def may_enter(folder: Path, account: Account) -> tuple[str, bool]:
    """The id of the account, and whether its password opens it."""
    store, hashing = store_in(folder), passwords()
    await store.open()
    await hashing.open()
    try:
        user = await store.by_email(account.email)
        assert user is not None
        return user.user_id, (await hashing.verify(user.password_hash, account.password)).ok
    finally:
        await hashing.close()
        await store.close()


def test_passwords_are_made_once_and_differ(tmp_path: Path) -> None:
    admin, user = kept_accounts(tmp_path)
    assert kept_accounts(tmp_path) == (admin, user)
    assert admin.password != user.password
    assert (admin.role, user.role) == ("admin", "user")


async def test_a_second_start_finds_the_same_accounts(tmp_path: Path) -> None:
    accounts = kept_accounts(tmp_path)
    await ensure(store_in(tmp_path), passwords(), accounts)
    before = [await may_enter(tmp_path, account) for account in accounts]
    await ensure(store_in(tmp_path), passwords(), accounts)
    assert [await may_enter(tmp_path, account) for account in accounts] == before
    assert [ok for _, ok in before] == [True, True]


async def test_a_lost_password_file_does_not_lock_anybody_out(tmp_path: Path) -> None:
    await ensure(store_in(tmp_path), passwords(), kept_accounts(tmp_path))
    (tmp_path / "admin-password").unlink()
    accounts = kept_accounts(tmp_path)
    await ensure(store_in(tmp_path), passwords(), accounts)
    assert (await may_enter(tmp_path, accounts[0]))[1]
