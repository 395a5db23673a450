"""What every account store does, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.accounts.store import AccountStore
from gateway.accounts.user import User
from gateway.clock import ManualClock
from gateway.errors import Refusal
from gateway.reasons import Reason


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[AccountStore]:
    opened = AccountStore(database_url, clock=ManualClock(1_800_000_000.9))
    await opened.open()
    yield opened
    await opened.close()


async def add(store: AccountStore, email: str = "ann@example.com", role: str = "user", name: str = "Ann") -> User:
    return await store.create(email=email, password_hash=f"hash of {email}", display_name=name, role=role)


async def test_a_created_user_is_found_by_id_and_by_address(store: AccountStore) -> None:
    user = await add(store, "Ann.B@Example.com")
    assert user == User(
        user_id=user.user_id,
        email="Ann.B@Example.com",
        display_name="Ann",
        role="user",
        disabled=False,
        epoch=0,
        password_hash="hash of Ann.B@Example.com",
        created_at=1_800_000_000,
    )
    assert await store.by_id(user.user_id) == user
    assert await store.by_email("Ann.B@Example.com") == user


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param("MÜLLER@BÜCHER.EXAMPLE", id="case"),
        pytest.param("mu\u0308ller@bücher.example", id="decomposed"),
        pytest.param("ｍüller@bücher.example", id="full-width letter"),
        pytest.param("müller@xn--bcher-kva.example", id="punycode"),
    ],
)
async def test_one_account_whatever_the_spelling(store: AccountStore, spelling: str) -> None:
    user = await add(store, "müller@bücher.example")
    assert await store.by_email(spelling) == user
    with pytest.raises(Refusal) as refused:
        await add(store, spelling)
    assert refused.value.reason is Reason.EMAIL_TAKEN
    assert await store.search() == [user]


@pytest.mark.parametrize("email", ["bob@example.com", "", "no address", "a\0@example.com", "\ud800@example.com"])
async def test_nobody_has_an_unknown_address(store: AccountStore, email: str) -> None:
    await add(store)
    assert await store.by_email(email) is None


@pytest.mark.parametrize("user_id", ["", "0", "\0", "\ud800", "' OR 1=1 --"])
async def test_nobody_has_an_unknown_id(store: AccountStore, user_id: str) -> None:
    await add(store)
    assert await store.by_id(user_id) is None


async def test_twenty_registrations_of_one_address_at_once_make_one_account(store: AccountStore) -> None:
    results = await asyncio.gather(*(add(store) for _ in range(20)), return_exceptions=True)
    users = [result for result in results if isinstance(result, User)]
    refusals = [result.reason for result in results if isinstance(result, Refusal)]
    assert (len(users), refusals) == (1, [Reason.EMAIL_TAKEN] * 19)
    assert await store.search() == users


@pytest.mark.parametrize(("end_sessions", "epoch"), [(False, 0), (True, 1)])
async def test_a_new_password_may_end_the_sessions(store: AccountStore, end_sessions: bool, epoch: int) -> None:
    user = await add(store)
    changed = await store.set_password(user.user_id, "new hash", end_sessions=end_sessions)
    assert (changed.password_hash, changed.epoch) == ("new hash", epoch)
    assert await store.by_id(user.user_id) == changed


async def test_rehash_replaces_only_the_hash_it_knows(store: AccountStore) -> None:
    user = await add(store)
    await store.rehash(user.user_id, user.password_hash, "better")
    await store.rehash(user.user_id, user.password_hash, "too late")
    rehashed = await store.by_id(user.user_id)
    assert rehashed is not None
    assert (rehashed.password_hash, rehashed.epoch) == ("better", 0)


async def test_epochs_only_rise(store: AccountStore) -> None:
    user = await add(store)
    raised = await asyncio.gather(*(store.bump_epoch(user.user_id) for _ in range(5)))
    assert sorted(one.epoch for one in raised) == [1, 2, 3, 4, 5]


async def test_disabling_raises_the_epoch_and_enabling_does_not(store: AccountStore) -> None:
    user = await add(store)
    disabled = await store.set_disabled(user.user_id, True)
    assert (disabled.disabled, disabled.epoch) == (True, 1)
    enabled = await store.set_disabled(user.user_id, False)
    assert (enabled.disabled, enabled.epoch) == (False, 1)


async def test_a_role_changes_without_ending_sessions(store: AccountStore) -> None:
    user = await add(store)
    promoted = await store.set_role(user.user_id, "admin")
    assert (promoted.role, promoted.epoch) == ("admin", 0)


async def test_changing_nobody_is_not_found(store: AccountStore) -> None:
    for change in (
        store.set_role("nobody", "user"),
        store.set_disabled("nobody", True),
        store.set_password("nobody", "hash", end_sessions=True),
        store.bump_epoch("nobody"),
    ):
        with pytest.raises(Refusal) as refused:
            await change
        assert refused.value.reason.status == 404


async def test_the_last_enabled_admin_stays(store: AccountStore) -> None:
    admin = await add(store, "root@example.com", "admin")
    other = await add(store, "other@example.com", "admin")
    await store.set_disabled(other.user_id, True)
    for change in (store.set_role(admin.user_id, "user"), store.set_disabled(admin.user_id, True)):
        with pytest.raises(Refusal) as refused:
            await change
        assert refused.value.reason is Reason.CONFLICT
    assert await store.by_id(admin.user_id) == admin


async def test_an_admin_may_go_while_another_is_there(store: AccountStore) -> None:
    admin = await add(store, "root@example.com", "admin")
    await add(store, "other@example.com", "admin")
    assert (await store.set_role(admin.user_id, "user")).role == "user"


async def test_a_disabled_admin_may_lose_the_role(store: AccountStore) -> None:
    admin = await add(store, "root@example.com", "admin")
    other = await add(store, "other@example.com", "admin")
    await store.set_disabled(other.user_id, True)
    assert (await store.set_role(other.user_id, "user")).role == "user"
    assert (await store.set_role(admin.user_id, "admin")) == admin


async def test_of_two_admins_who_demote_each_other_one_stays(database_url: str) -> None:
    async with asyncio.timeout(30):
        stores = [AccountStore(database_url, clock=ManualClock()) for _ in range(2)]
        for store in stores:
            await store.open()
        admins = [await add(stores[0], f"admin{number}@example.com", "admin") for number in range(2)]
        for _ in range(5):
            changes = [
                stores[0].set_role(admins[1].user_id, "user"),
                stores[1].set_disabled(admins[0].user_id, True),
            ]
            results = await asyncio.gather(*changes, return_exceptions=True)
            refused = [result.reason for result in results if isinstance(result, Refusal)]
            assert refused == [Reason.CONFLICT]
            for admin in admins:
                await stores[0].set_role(admin.user_id, "admin")
                await stores[0].set_disabled(admin.user_id, False)
        for store in stores:
            await store.close()


async def test_the_first_admin_is_made_once(store: AccountStore) -> None:
    asked = [
        store.create_first_admin(email=email, password_hash="hash", display_name="Admin")
        for email in ("root@example.com", "ROOT@example.com") * 4
    ]
    made = [user for user in await asyncio.gather(*asked) if user is not None]
    assert [user.role for user in made] == ["admin"]
    assert await store.search() == made


async def test_the_first_admin_never_takes_over_an_account(store: AccountStore) -> None:
    user = await add(store, "root@example.com")
    again = await store.create_first_admin(email="root@example.com", password_hash="x", display_name="Admin")
    assert again is None
    assert await store.by_id(user.user_id) == user


async def test_search_pages_in_the_order_of_addresses(store: AccountStore) -> None:
    for letter in "dbeac":
        await add(store, f"{letter}@example.com")
    pages, after = [], None
    while page := await store.search(limit=2, after=after):
        pages.append([user.email[0] for user in page])
        after = page[-1].user_id
    assert pages == [["a", "b"], ["c", "d"], ["e"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ANN", ["ann@example.com"]),
        ("ÉLAN", ["bob@example.com"]),
        ("example", ["ann@example.com", "bob@example.com"]),
        ("%", ["bob@example.com"]),
        ("_", []),
        ("\\", []),
        ("' OR ''='", []),
        ("\0", []),
        ("\ud800", []),
    ],
)
async def test_search_looks_for_plain_text(store: AccountStore, text: str, found: list[str]) -> None:
    await add(store, "ann@example.com", name="Ann")
    await add(store, "bob@example.com", name="100% élan")
    assert [user.email for user in await store.search(text)] == found


async def test_search_behind_an_unknown_user_finds_nothing(store: AccountStore) -> None:
    await add(store)
    assert await store.search(after="nobody") == []


async def test_callers_who_go_away_leave_the_store_usable(store: AccountStore) -> None:
    user = await add(store)
    for step in range(40):
        gone = [
            asyncio.create_task(store.bump_epoch(user.user_id)),
            asyncio.create_task(store.by_email(user.email)),
        ]
        await asyncio.sleep(step / 10_000)
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
    # A change torn off midway would keep its lock until the store gives up waiting, after five seconds.
    async with asyncio.timeout(4):
        assert 1 <= (await store.bump_epoch(user.user_id)).epoch <= 41


async def test_users_are_still_there_after_reopening(database_url: str) -> None:
    first = AccountStore(database_url, clock=ManualClock())
    await first.open()
    user = await add(first)
    await first.close()
    second = AccountStore(database_url, clock=ManualClock())
    await second.open()
    assert await second.by_id(user.user_id) == user
    await second.close()
