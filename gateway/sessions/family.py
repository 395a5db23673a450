"""The life of a token family as one pure function. Both stores are held to it.

A family is a session seen from its refresh tokens: one chain of generations, of which the current and the
previous one may still speak. Older ones need no record: their signature authenticates them, their generation
says that they are old. All times are integers in milliseconds since the epoch.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.sessions.events import EventKind, RevocationEvent


class Outcome(StrEnum):
    """What became of a presented refresh token."""

    ROTATED = "rotated"
    REPLAYED = "replayed"
    ROLLED_FORWARD = "rolled-forward"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"
    FORGED = "forged"
    REUSED = "reused"

    @property
    def has_successor(self) -> bool:
        """Whether the caller is to be given the successor of what it presented."""
        return self in (Outcome.ROTATED, Outcome.REPLAYED, Outcome.ROLLED_FORWARD)


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token whose signature and form were checked; hashes are lower-case hex SHA-256.

    `user_epoch` is the epoch that the accounts database holds for the user at this moment.
    """

    user_id: str
    session_id: str
    generation: int
    token_hash: str
    successor_hash: str
    user_epoch: int


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Durations in milliseconds: grace for replays, idle lifetime, and how long an end is remembered."""

    grace: int
    idle: int
    linger: int


@dataclass(frozen=True, slots=True)
class Family:
    """What is kept of one session. `rotated_at` is also the time of its last use."""

    user_id: str
    session_id: str
    generation: int
    current: str
    previous: str
    rotated_at: int
    expires_at: int
    epoch: int
    ended: bool = False

    def deadline(self, idle: int) -> int:
        """When the family expires: `expires_at` is absolute and never moves, the idle end moves with use."""
        return min(self.expires_at, self.rotated_at + idle)


@dataclass(frozen=True, slots=True)
class Transition:
    """The outcome, the family as it is afterwards, and the event that must be published with it."""

    outcome: Outcome
    family: Family | None
    event: RevocationEvent | None = None


def decide_rotation(family: Family | None, presented: Presented, now: int, lifetimes: Lifetimes) -> Transition:
    """Decide rows 2 to 10 of the rotation table (docs/sessions.md), in their order."""
    if family is None or family.user_id != presented.user_id:
        return Transition(Outcome.UNKNOWN, family)
    if family.ended:
        return Transition(Outcome.REVOKED, family)
    if now >= family.deadline(lifetimes.idle):
        return _end(family, Outcome.EXPIRED, now, lifetimes)
    if presented.user_epoch > family.epoch:
        return _end(family, Outcome.REVOKED, now, lifetimes)
    return _decide_generation(family, presented, now, lifetimes)


def bury(family: Family, why: str, now: int, lifetimes: Lifetimes) -> tuple[Family, RevocationEvent]:
    """The tombstone of a family that ends at `now`, and the event that tells every worker."""
    event = RevocationEvent(EventKind.SESSION_ENDED, family.session_id, why, (now + lifetimes.linger) // 1000)
    return replace(family, ended=True), event


def _end(family: Family, outcome: Outcome, now: int, lifetimes: Lifetimes) -> Transition:
    return Transition(outcome, *bury(family, outcome.value, now, lifetimes))


def _decide_generation(family: Family, presented: Presented, now: int, lifetimes: Lifetimes) -> Transition:
    """Rows 6 to 10: the family lives, so the generation decides."""
    behind = family.generation - presented.generation
    if behind < 0:
        return _advance(family, presented, now, Outcome.ROLLED_FORWARD)
    if behind == 0:
        if presented.token_hash == family.current:
            return _advance(family, presented, now, Outcome.ROTATED)
        return Transition(Outcome.FORGED, family)
    is_previous = behind == 1 and presented.token_hash == family.previous
    if is_previous and now - family.rotated_at <= lifetimes.grace:
        return Transition(Outcome.REPLAYED, family)
    return _end(family, Outcome.REUSED, now, lifetimes)


def _advance(family: Family, presented: Presented, now: int, outcome: Outcome) -> Transition:
    """Make the presented token the previous one and its successor the current one."""
    after = replace(
        family,
        generation=presented.generation + 1,
        current=presented.successor_hash,
        previous=presented.token_hash,
        rotated_at=now,
    )
    return Transition(outcome, after)
