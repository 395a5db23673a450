"""What the rest of the gateway asks of a session store, whatever holds the sessions."""

from dataclasses import dataclass
from typing import Protocol

from gateway.sessions.events import EventBatch, EventKind, RevocationEvent
from gateway.sessions.family import Outcome, Presented

__all__ = [
    "EventBatch",
    "EventKind",
    "NewSession",
    "Outcome",
    "Presented",
    "RevocationEvent",
    "Rotation",
    "SessionInfo",
    "SessionStore",
]


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session at login: generation 0. Times in whole seconds; `expires_at` is the absolute end.

    `user_epoch` is the epoch of the user row that the password was checked against.
    """

    user_id: str
    session_id: str
    token_hash: str
    user_epoch: int
    created_at: int
    expires_at: int
    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """The outcome and, when there is a successor, its `iat` and `exp` in whole seconds, equal for replays."""

    outcome: Outcome
    rotated_at: int = 0
    expires_at: int = 0


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A live session as its owner may see it. Times in whole seconds."""

    session_id: str
    user_id: str
    created_at: int
    last_used_at: int
    expires_at: int
    agent: str
    address: str


class SessionStore(Protocol):
    """Every method is one atomic step, and raises StoreUnavailable("sessions") when the store cannot answer.

    After StoreUnavailable from a method that writes, whether the write happened is not known; all of them may
    be repeated.
    """

    async def open(self) -> None:
        """Prepare clients and schema. A Redis store opens also while the server is away."""
        ...

    async def close(self) -> None:
        """Give back connections; waits for nothing."""
        ...

    async def ping(self) -> None:
        """Return when the store answers; a Redis store, when it takes writes too."""
        ...

    async def warnings(self) -> list[str]:
        """Sentences about settings of the store that may lose sessions: eviction, no persistence."""
        ...

    async def create(self, session: NewSession) -> tuple[str, ...]:
        """Keep a new session; the ids of those that had to go (least recently used, over max_per_user).

        Refusal(SESSION_ENDED) when all sessions of the user were ended by a newer epoch meanwhile.
        """
        ...

    async def rotate(self, presented: Presented) -> Rotation:
        """Rotate, replay or refuse, by the decision table of `family.decide_rotation`."""
        ...

    async def end(self, user_id: str, session_id: str) -> bool:
        """End one session of the user; False when there is no such session, or it has ended already."""
        ...

    async def end_all(self, user_id: str, *, epoch: int, keep: str | None = None, older_only: bool = False) -> int:
        """End all sessions but `keep`, which goes over to the new epoch; how many were ended.

        The epoch is remembered, so that a login that began before it cannot create a session after it.
        With `older_only` sessions of this epoch and newer ones stay: for an end that comes late.
        """
        ...

    async def sessions_of(self, user_id: str) -> list[SessionInfo]:
        """The live sessions of the user, the most recently used first."""
        ...

    async def is_live(self, user_id: str, session_id: str) -> bool:
        """Whether the session exists, was not ended, has not expired, and is not older than the epoch remembered."""
        ...

    async def publish(self, event: RevocationEvent) -> None:
        """Tell every worker; the store stamps `expires_at`."""
        ...

    async def tail(self) -> EventBatch:
        """The oldest events that still matter, and the cursor after them.

        There may be more: follow with `events_after(cursor, 0)` until a batch is empty.
        """
        ...

    async def events_after(self, cursor: str, wait: float) -> EventBatch:
        """The next events, after waiting up to `wait` seconds for one; an empty batch is a good answer.

        When the store has lost what the cursor stands on (restart, rollback), it starts at the tail again.
        """
        ...
