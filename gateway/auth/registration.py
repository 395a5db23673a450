"""Registering and logging in: accounts on one side, a new session on the other."""

import contextlib
from typing import Any

from gateway.accounts.emails import check_email
from gateway.accounts.names import check_display_name
from gateway.accounts.passwords import Passwords
from gateway.accounts.store import AccountStore
from gateway.accounts.user import User
from gateway.auth.bodies import Credentials, Registration
from gateway.auth.grants import Audit, Caller, Grants
from gateway.errors import FieldError, Refusal, StoreUnavailable
from gateway.reasons import Reason


class SignIn:
    """POST /auth/register and POST /auth/login. New accounts always get `new_role`."""

    def __init__(
        self,
        *,
        accounts: AccountStore,
        passwords: Passwords,
        grants: Grants,
        audit: Audit,
        registration_open: bool,
        new_role: str = "user",
    ) -> None:
        self.accounts = accounts
        self.passwords = passwords
        self.grants = grants
        self.audit = audit
        self.registration_open = registration_open
        self.new_role = new_role

    async def register(self, body: Registration, caller: Caller) -> dict[str, Any]:
        """403 when closed, 422 with every field that does not pass, 409 when the address is taken.

        503 before anything is done while there can be no sessions. Should the session store fail just after the
        account was made, the 503 says that it was: logging in is what is left to do.
        """
        if not self.registration_open:
            raise Refusal(Reason.REGISTRATION_CLOSED)
        self._check(body)
        password_hash = await self.passwords.hash(body.password)
        await self.grants.ready()
        user = await self.accounts.create(
            email=body.email, password_hash=password_hash, display_name=body.display_name, role=self.new_role
        )
        try:
            granted = await self.grants.open_session(user, caller)
        except StoreUnavailable as error:
            self._note("registered", user, None, caller)
            detail = "The account was made, but nobody can log in at the moment: log in later"
            raise Refusal(error.reason, detail=detail, retry_after=error.retry_after) from error
        self._note("registered", user, granted["session_id"], caller)
        return granted

    async def login(self, body: Credentials, caller: Caller) -> dict[str, Any]:
        """One answer and one amount of work for unknown users and wrong passwords (ASVS 6.3.8)."""
        user = await self._find(body.email)
        verdict = await self.passwords.verify(user.password_hash if user else None, body.password)
        if user is None or not verdict.ok:
            self._note("login-failed", user, None, caller)
            raise Refusal(Reason.CREDENTIALS_INVALID)
        if user.disabled:
            self._note("login-disabled", user, None, caller)
            raise Refusal(Reason.ACCOUNT_DISABLED)
        if verdict.rehash:
            await self._rehash(user, body.password)
        granted = await self.grants.open_session(user, caller)
        self._note("login", user, granted["session_id"], caller)
        return granted

    async def _rehash(self, user: User, password: str) -> None:
        """Bring an old hash up to today's parameters; with no thread free that can wait for the next login."""
        with contextlib.suppress(Refusal):
            new_hash = await self.passwords.hash(password)
            await self.accounts.rehash(user.user_id, user.password_hash, new_hash)

    async def _find(self, email: str) -> User | None:
        """Text that is no address belongs to nobody, and is not looked up."""
        return None if check_email(email) is not None else await self.accounts.by_email(email)

    def _check(self, body: Registration) -> None:
        findings = {
            "email": check_email(body.email),
            "password": self.passwords.check(body.password),
            "display_name": check_display_name(body.display_name),
        }
        errors = [FieldError(field, message) for field, message in findings.items() if message is not None]
        if errors:
            raise Refusal(Reason.FIELD_INVALID, errors=errors)

    def _note(self, event: str, user: User | None, session_id: str | None, caller: Caller) -> None:
        self.audit.record(
            event,
            subject=user.user_id if user else None,
            session_id=session_id,
            address=caller.address,
            request_id=caller.request_id,
        )
