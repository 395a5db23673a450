"""The life of a session after login: refresh, logout, logout everywhere, list, end one, change the password."""

from collections.abc import Callable
from typing import Any, Final

from gateway.accounts.passwords import Passwords
from gateway.accounts.store import AccountStore
from gateway.accounts.user import User
from gateway.auth.bodies import PasswordChange
from gateway.auth.grants import Audit, Caller, Grants
from gateway.errors import FieldError, Refusal, StoreUnavailable, TokenRefused
from gateway.principal import Anonymous, Authentication, Principal
from gateway.reasons import Reason
from gateway.sessions.family import Outcome
from gateway.sessions.store import Presented, SessionInfo, SessionStore
from gateway.sessions.unfinished import UnfinishedEnds
from gateway.tokens.refresh import PresentedRefresh, RefreshTokens

_SAME: Final = "The new password must differ from the current one."
_NOTED: Final = frozenset({Outcome.REUSED, Outcome.FORGED, Outcome.ROLLED_FORWARD})


class SessionLife:
    """Everything `/auth` does with an existing session. Stores decide; this words the outcome."""

    def __init__(
        self,
        *,
        accounts: AccountStore,
        passwords: Passwords,
        store: SessionStore,
        ends: UnfinishedEnds,
        refresh: RefreshTokens,
        grants: Grants,
        audit: Audit,
        count_refresh: Callable[[str], object],
    ) -> None:
        self.accounts = accounts
        self.passwords = passwords
        self.store = store
        self.ends = ends
        self.tokens = refresh
        self.grants = grants
        self.audit = audit
        self.count_refresh = count_refresh

    async def refresh(self, token: str, caller: Caller) -> dict[str, Any]:
        """One primary-key read and one rotation; a store that cannot be asked is a 503, never a 401."""
        presented = self.tokens.read(token)
        user = await self.accounts.by_id(presented.user_id)
        if user is None or user.disabled:
            await self.store.end(presented.user_id, presented.session_id)
            raise Refusal(Reason.SESSION_ENDED)
        rotation = await self.store.rotate(_to_rotate(presented, user))
        self.count_refresh(rotation.outcome)
        if rotation.outcome in _NOTED:
            self._note(f"refresh-{rotation.outcome}", user.user_id, presented.session_id, caller)
        if not rotation.outcome.has_successor:
            raise _refused(rotation.outcome)
        successor = self.tokens.successor(presented, issued_at=rotation.rotated_at, expires_at=rotation.expires_at)
        return self.grants.pair(user, presented.session_id, successor, rotation.expires_at)

    async def logout(self, token: str | None, caller_is: Authentication, caller: Caller) -> None:
        """Ends the session of the refresh token, and that of a valid access token; 401 when there is neither.

        An access token whose session is gone already has got what it asks for.
        """
        refused: Refusal = Refusal(caller_is.reason if isinstance(caller_is, Anonymous) else Reason.TOKEN_MISSING)
        ending: dict[str, str] = {}
        if isinstance(caller_is, Principal) and caller_is.session_id is not None:
            ending[caller_is.session_id] = caller_is.subject
        if token is not None:
            try:
                presented = self.tokens.read(token)
                ending[presented.session_id] = presented.user_id
            except TokenRefused as error:
                refused = error
        if not ending and refused.reason is not Reason.TOKEN_REVOKED:
            raise refused
        for session_id, user_id in ending.items():
            if await self.store.end(user_id, session_id):
                self._note("logout", user_id, session_id, caller)

    async def logout_all(self, principal: Principal, caller: Caller) -> int:
        """Raises the user's epoch first: what Redis may lose, SQL still refuses.

        Nothing is done while the session store is away; should it fail in between, it is told later.
        """
        await self.store.ping()
        user = await self.accounts.bump_epoch(principal.subject)
        self._note("logout-all", user.user_id, principal.session_id, caller)
        return await self.ends.end_all(user.user_id, epoch=user.epoch)

    async def sessions(self, principal: Principal) -> list[SessionInfo]:
        """The caller's live sessions, the most recently used first."""
        return await self.store.sessions_of(principal.subject)

    async def end_one(self, principal: Principal, session_id: str, caller: Caller) -> bool:
        """False when the caller has no such session, whoever else may have one."""
        if not await self.store.end(principal.subject, session_id):
            return False
        self._note("session-ended", principal.subject, session_id, caller)
        return True

    async def change_password(self, principal: Principal, body: PasswordChange, caller: Caller) -> dict[str, Any]:
        """Every session ends, also the caller's; it gets a new one, so that no old token survives the change.

        Nothing is done while the session store is away. Should it fail after the change, the 503 says that the
        password is the new one, and the sessions are ended later.
        """
        user = await self.current_user(principal)
        verdict = await self.passwords.verify(user.password_hash, body.current)
        if not verdict.ok:
            raise Refusal(Reason.CREDENTIALS_INVALID)
        why_not = _SAME if body.new == body.current else self.passwords.check(body.new)
        if why_not is not None:
            raise Refusal(Reason.FIELD_INVALID, errors=[FieldError("new", why_not)])
        new_hash = await self.passwords.hash(body.new)
        await self.store.ping()
        user = await self.accounts.set_password(user.user_id, new_hash, end_sessions=True)
        try:
            await self.ends.end_all(user.user_id, epoch=user.epoch)
            granted = await self.grants.open_session(user, caller)
        except StoreUnavailable as error:
            self._note("password-changed", user.user_id, principal.session_id, caller)
            detail = "The password was changed, but nobody can log in at the moment: log in with it later"
            raise Refusal(error.reason, detail=detail, retry_after=error.retry_after) from error
        self._note("password-changed", user.user_id, granted["session_id"], caller)
        return granted

    async def current_user(self, principal: Principal) -> User:
        """The account as it is now, not as the token says."""
        user = await self.accounts.by_id(principal.subject)
        if user is None or user.disabled:
            raise Refusal(Reason.TOKEN_REVOKED)
        return user

    def _note(self, event: str, subject: str, session_id: str | None, caller: Caller) -> None:
        self.audit.record(
            event,
            subject=subject,
            session_id=session_id,
            address=caller.address,
            request_id=caller.request_id,
        )


def _to_rotate(presented: PresentedRefresh, user: User) -> Presented:
    return Presented(
        user_id=presented.user_id,
        session_id=presented.session_id,
        generation=presented.generation,
        token_hash=presented.token_hash,
        successor_hash=presented.successor_hash,
        user_epoch=user.epoch,
    )


def _refused(outcome: Outcome) -> Refusal:
    if outcome is Outcome.FORGED:
        return Refusal(Reason.TOKEN_INVALID)
    if outcome is Outcome.EXPIRED:
        return Refusal(Reason.SESSION_ENDED, detail=Reason.TOKEN_EXPIRED.sentence)
    return Refusal(Reason.SESSION_ENDED)
