"""What a worker has heard of revocations, in plain maps: the hot path asks here and makes no round trip."""

import math
from collections.abc import Callable

from gateway.clock import Clock
from gateway.sessions.events import EventKind, RevocationEvent
from gateway.sessions.expiring import Expiring

# More than one for each event, so that forgetting keeps ahead of hearing.
_FORGET_EACH = 4
_FORGET_IDLE = 1000


class RevocationView:
    """Ended sessions, roles in force and disabled users. `max_staleness` in seconds.

    An entry stays until the last access token that it concerns has expired; longer does no harm.
    """

    def __init__(self, *, clock: Clock, max_staleness: float) -> None:
        self._clock = clock
        self._max_staleness = max_staleness
        self._heard: float | None = None
        self._sessions = Expiring()
        self._ended = self._sessions.until
        self._roles: dict[str, str] = {}
        self._roles_until = Expiring()
        self._disabled: dict[str, bool] = {}
        self._disabled_until = Expiring()
        self._listeners: list[Callable[[RevocationEvent], object]] = []

    def listen(self, listener: Callable[[RevocationEvent], object]) -> None:
        """Have `listener` called after each event that was taken in, also one that changed nothing."""
        self._listeners.append(listener)

    def session_ended(self, session_id: str) -> bool:
        """Whether the session was ended; its access tokens are then refused."""
        return session_id in self._ended

    def role_in_force(self, user_id: str) -> str | None:
        """The role that overlays the one in the token; None when no change is known."""
        return self._roles.get(user_id)

    def disabled(self, user_id: str) -> bool:
        """Whether the account was disabled while access tokens of now may have been out already."""
        return self._disabled.get(user_id, False)

    def apply(self, event: RevocationEvent) -> None:
        """Take in one event. They may come again after a reconnect; an older one never undoes a newer one."""
        if event.kind is EventKind.SESSION_ENDED:
            self._sessions.put(event.ref, event.expires_at)
        elif event.kind is EventKind.ROLE_CHANGED:
            if event.expires_at >= self._roles_until.until.get(event.ref, 0):
                self._roles[event.ref] = event.value
                self._roles_until.put(event.ref, event.expires_at)
        elif event.expires_at >= self._disabled_until.until.get(event.ref, 0):
            self._disabled[event.ref] = event.kind is EventKind.USER_DISABLED
            self._disabled_until.put(event.ref, event.expires_at)
        for listener in self._listeners:
            listener(event)
        self._forget(_FORGET_EACH)

    def heard(self) -> None:
        """The store has said that at this moment there is nothing more to hear."""
        self._heard = self._clock.monotonic()
        self._forget(_FORGET_IDLE)

    def staleness(self) -> float:
        """Seconds since the view was known to be complete; infinite before the first time."""
        return math.inf if self._heard is None else self._clock.monotonic() - self._heard

    def stale(self) -> bool:
        """Whether the view is older than it may be."""
        return self.staleness() > self._max_staleness

    def counts(self) -> dict[str, int]:
        """How many entries are kept: `sessions`, `roles`, `users` (disabled or enabled again)."""
        return {
            "sessions": len(self._ended),
            "roles": len(self._roles),
            "users": len(self._disabled),
        }

    def _forget(self, most: int) -> None:
        now = self._clock.now()
        self._sessions.forget(now, most)
        for user_id in self._roles_until.forget(now, most):
            del self._roles[user_id]
        for user_id in self._disabled_until.forget(now, most):
            del self._disabled[user_id]
