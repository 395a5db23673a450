"""Token pairs: what login, register, refresh and password change answer with."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gateway.accounts.user import User
from gateway.clock import Clock
from gateway.sessions.store import NewSession, SessionStore
from gateway.tokens.access import AccessSubject, AccessTokens
from gateway.tokens.refresh import RefreshTokens

MOST_AGENT: Final = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from, for the session list: user agent (cut to `MOST_AGENT` characters) and address."""

    agent: str
    address: str
    request_id: str


class Audit(Protocol):
    """Where account and session events are written (`observe.events`)."""

    def record(
        self,
        event: str,
        *,
        subject: str | None = None,
        session_id: str | None = None,
        address: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """One line; never a secret."""
        ...


class Grants:
    """Opens sessions and words token pairs. `refresh_ttl` is absolute, from login, in seconds."""

    def __init__(
        self,
        *,
        access: AccessTokens,
        refresh: RefreshTokens,
        store: SessionStore,
        refresh_ttl: int,
        clock: Clock,
        session_ids: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.access = access
        self.refresh = refresh
        self.store = store
        self.refresh_ttl = refresh_ttl
        self.clock = clock
        self.session_ids = session_ids

    async def ready(self) -> None:
        """StoreUnavailable when no session could be opened now: for what must not be done by halves."""
        await self.store.ping()

    async def open_session(self, user: User, caller: Caller) -> dict[str, Any]:
        """A new session and its first pair; the id is never one that a client proposed."""
        now = int(self.clock.now())
        session_id = self.session_ids()
        expires_at = now + self.refresh_ttl
        first = self.refresh.first(user_id=user.user_id, session_id=session_id, issued_at=now, expires_at=expires_at)
        await self.store.create(
            NewSession(
                user_id=user.user_id,
                session_id=session_id,
                token_hash=first.token_hash,
                user_epoch=user.epoch,
                created_at=now,
                expires_at=expires_at,
                agent=caller.agent,
                address=caller.address,
            )
        )
        return self.pair(user, session_id, first.token, expires_at)

    def pair(self, user: User, session_id: str, refresh_token: str, expires_at: int) -> dict[str, Any]:
        """User fields and token fields; `expires_in` and `refresh_expires_in` are in seconds from `server_time`."""
        issued = self.access.issue(
            AccessSubject(
                user_id=user.user_id,
                email=user.email,
                display_name=user.display_name,
                role=user.role,
                session_id=session_id,
            )
        )
        now = int(self.clock.now())
        return {
            **user_fields(user),
            "access_token": issued.token,
            "refresh_token": refresh_token,
            "token_type": "bearer",
            "expires_in": issued.expires_in,
            "refresh_expires_in": max(0, expires_at - now),
            "session_id": session_id,
            "server_time": now,
        }


def user_fields(user: User) -> dict[str, Any]:
    """The user as callers see it."""
    return {
        "user_id": user.user_id,
        "email": user.email,
        "display_name": user.display_name,
        "role": user.role,
    }
