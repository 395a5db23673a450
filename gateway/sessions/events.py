"""What every worker must hear about: sessions that ended, roles that changed, accounts switched off."""

from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """SESSION_ENDED speaks of a session id, the others of a user id."""

    SESSION_ENDED = "session-ended"
    ROLE_CHANGED = "role-changed"
    USER_DISABLED = "user-disabled"
    USER_ENABLED = "user-enabled"


@dataclass(frozen=True, slots=True)
class RevocationEvent:
    """`ref` is the session or user id; `value` the new role, or why the session ended.

    `expires_at` (whole seconds since the epoch) is when the last access token that the event can concern
    has expired. The store stamps it, also on `publish`, so that events of one store are in order.
    """

    kind: EventKind
    ref: str
    value: str = ""
    expires_at: int = 0


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events in the order they happened, and the cursor that stands after the last of them."""

    events: tuple[RevocationEvent, ...]
    cursor: str
