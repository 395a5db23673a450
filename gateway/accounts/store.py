"""The account store: users in one table, the same code over SQLite and PostgreSQL.

Every method raises StoreUnavailable("accounts") when the database cannot be asked, and the methods that
change a user raise Refusal(NO_ROUTE), a 404, when there is no such user.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, insert, literal, select, text, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.accounts.database import Database
from gateway.accounts.emails import check_email, fold, lookup_key
from gateway.accounts.schema import USERS
from gateway.accounts.shared_reads import SharedReads
from gateway.accounts.user import User
from gateway.clock import Clock
from gateway.errors import Refusal
from gateway.reasons import Reason

ADMIN = "admin"

_ADMINS_LOCK = 7_230_102
_LAST_ADMIN = "This is the last enabled admin: give another enabled account the role admin first"
_RAISED_EPOCH = {"epoch": USERS.c.epoch + 1}
_SHOWN = tuple(USERS.c[name] for name in User.__dataclass_fields__)


class AccountStore:
    """`patience` (seconds) bounds every wait for the database; with `create` false no SQLite file is made."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        patience: float = 5.0,
        new_id: Callable[[], UUID] = uuid4,
        create: bool = True,
    ) -> None:
        self._database = Database(url, clock=clock, patience=patience, create=create)
        self._clock = clock
        self._new_id = new_id
        self._reads = SharedReads(self._by_ids)

    async def open(self) -> None:
        """Connect and run the migrations that are missing."""
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def ping(self) -> None:
        await self._database.read(select(literal(1)))

    async def create(self, *, email: str, password_hash: str, display_name: str, role: str) -> User:
        """A new, enabled user. Refusal(EMAIL_TAKEN) when the address has an account in any spelling."""
        row = self._new_row(email, password_hash, display_name, role)
        try:
            return await self._database.write(lambda connection: _insert(connection, row))
        except IntegrityError:
            raise Refusal(Reason.EMAIL_TAKEN) from None

    async def create_first_admin(self, *, email: str, password_hash: str, display_name: str) -> User | None:
        """The bootstrap admin; None when that address has an account. Any number of workers may ask."""
        if await self.by_email(email) is not None:
            return None
        try:
            return await self.create(email=email, password_hash=password_hash, display_name=display_name, role=ADMIN)
        except Refusal as refusal:
            if refusal.reason is Reason.EMAIL_TAKEN:
                return None
            raise

    async def by_email(self, email: str) -> User | None:
        """The user with this address, in whatever spelling; None too for what is no address."""
        if check_email(email) is not None:
            return None
        return await self._one(USERS.c.email_key == lookup_key(email))

    async def by_id(self, user_id: str) -> User | None:
        """One primary-key read, shared with those who ask at the same time."""
        return await self._reads.get(user_id) if _storable(user_id) else None

    async def search(self, text: str = "", *, limit: int = 50, after: str | None = None) -> list[User]:
        """Users with `text` in address or name, in the order of addresses, those behind user id `after`."""
        query = select(*_SHOWN).order_by(USERS.c.email_key).limit(limit)
        if not _storable(text) or not _storable(after or ""):
            return []
        if text:
            query = query.where(USERS.c.search_text.contains(fold(text), autoescape=True))
        if after is not None:
            last = select(USERS.c.email_key).where(USERS.c.user_id == after).scalar_subquery()
            query = query.where(USERS.c.email_key > last)
        return [_user(row) for row in await self._database.read(query)]

    async def set_password(self, user_id: str, password_hash: str, *, end_sessions: bool) -> User:
        """`end_sessions` raises the epoch in the same transaction."""
        raised = _RAISED_EPOCH if end_sessions else {}
        return await self._change(user_id, password_hash=password_hash, **raised)

    async def rehash(self, user_id: str, old_hash: str, new_hash: str) -> None:
        """Replace the hash of an unchanged password; nothing when the password was changed meanwhile."""
        same = (USERS.c.user_id == user_id) & (USERS.c.password_hash == old_hash)
        replaced = update(USERS).where(same).values(password_hash=new_hash)
        await self._database.write(lambda connection: connection.execute(replaced))

    async def set_role(self, user_id: str, role: str) -> User:
        """Refusal(CONFLICT) when that would leave no enabled admin."""
        return await self._change_standing(user_id, still_admin=role == ADMIN, role=role)

    async def set_disabled(self, user_id: str, disabled: bool) -> User:
        """Disabling raises the epoch. Refusal(CONFLICT) when that would leave no enabled admin."""
        raised = _RAISED_EPOCH if disabled else {}
        return await self._change_standing(user_id, still_admin=not disabled, disabled=disabled, **raised)

    async def bump_epoch(self, user_id: str) -> User:
        """Void every session made before now."""
        return await self._change(user_id, **_RAISED_EPOCH)

    async def _change(self, user_id: str, **values: Any) -> User:
        return await self._database.write(lambda connection: _change(connection, user_id, values))

    async def _change_standing(self, user_id: str, *, still_admin: bool, **values: Any) -> User:
        async def change(connection: AsyncConnection) -> User:
            await _hold_admins(connection)
            if not still_admin:
                await _require_other_admin(connection, user_id)
            return await _change(connection, user_id, values)

        return await self._database.write(change)

    async def _by_ids(self, user_ids: list[str]) -> dict[str, User]:
        # Statements are prepared for each number of parameters: filled up to powers of two there are few.
        filled = user_ids + user_ids[-1:] * ((1 << (len(user_ids) - 1).bit_length()) - len(user_ids))
        rows = await self._database.read(select(*_SHOWN).where(USERS.c.user_id.in_(filled)))
        return {row["user_id"]: _user(row) for row in rows}

    async def _one(self, condition: ColumnElement[bool]) -> User | None:
        rows = await self._database.read(select(*_SHOWN).where(condition))
        return _user(rows[0]) if rows else None

    def _new_row(self, email: str, password_hash: str, display_name: str, role: str) -> dict[str, object]:
        return {
            "user_id": str(self._new_id()),
            "email": email,
            "email_key": lookup_key(email),
            "display_name": display_name,
            "search_text": f"{lookup_key(email)}\n{fold(email)}\n{fold(display_name)}",
            "role": role,
            "disabled": False,
            "epoch": 0,
            "password_hash": password_hash,
            "created_at": int(self._clock.now()),
        }


async def _hold_admins(connection: AsyncConnection) -> None:
    # Changes of role and of `disabled` go one after the other, so that of two admins who demote each other
    # the second sees what the first did. SQLite's write transactions exclude each other as they are.
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADMINS_LOCK})


async def _require_other_admin(connection: AsyncConnection, user_id: str) -> None:
    enabled = (USERS.c.role == ADMIN) & (USERS.c.disabled.is_(False))
    admins = set(await connection.scalars(select(USERS.c.user_id).where(enabled)))
    if admins == {user_id}:
        raise Refusal(Reason.CONFLICT, detail=_LAST_ADMIN)


async def _insert(connection: AsyncConnection, row: Mapping[str, object]) -> User:
    inserted = await connection.execute(insert(USERS).values(row).returning(*_SHOWN))
    return _user(inserted.mappings().one())


async def _change(connection: AsyncConnection, user_id: str, values: Mapping[str, Any]) -> User:
    changed = update(USERS).where(USERS.c.user_id == user_id).values(values).returning(*_SHOWN)
    row = (await connection.execute(changed)).mappings().one_or_none()
    if row is None:
        raise Refusal(Reason.NO_ROUTE, detail="There is no such user")
    return _user(row)


def _user(row: RowMapping) -> User:
    return User(**row)


def _storable(text: str) -> bool:
    # PostgreSQL cannot hold NUL in text, and a lone surrogate (JSON can spell one) has no UTF-8.
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
