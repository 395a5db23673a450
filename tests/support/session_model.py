"""A session store in a dict, around the same pure function: what the real stores are compared with."""

from dataclasses import dataclass, field, replace

from gateway.clock import ManualClock
from gateway.sessions.family import Family, Presented, bury, decide_rotation
from gateway.sessions.store import NewSession, Outcome, RevocationEvent
from tests.support.session_stores import LIFETIMES, MAX_PER_USER


@dataclass
class SessionModel:
    clock: ManualClock
    families: dict[str, Family] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    events: list[RevocationEvent] = field(default_factory=list)

    def create(self, session: NewSession) -> tuple[str, ...] | None:
        """None when it is refused."""
        if self.epochs.get(session.user_id, 0) > session.user_epoch:
            return None
        live = self.live(session.user_id)
        gone = live[MAX_PER_USER - 1 :][::-1]
        for session_id in gone:
            self._bury(session_id, "evicted")
        self.families[session.session_id] = Family(
            user_id=session.user_id,
            session_id=session.session_id,
            generation=0,
            current=session.token_hash,
            previous="",
            rotated_at=self._now(),
            expires_at=session.expires_at * 1000,
            epoch=session.user_epoch,
        )
        return tuple(gone)

    def rotate(self, presented: Presented) -> tuple[Outcome, int, int]:
        family = self.families.get(presented.session_id)
        transition = decide_rotation(family, presented, self._now(), LIFETIMES)
        if transition.family is not None:
            self.families[presented.session_id] = transition.family
        if transition.event is not None:
            self.events.append(transition.event)
        if transition.family is None or not transition.outcome.has_successor:
            return transition.outcome, 0, 0
        after = transition.family
        return transition.outcome, after.rotated_at // 1000, after.deadline(LIFETIMES.idle) // 1000

    def end(self, user_id: str, session_id: str) -> bool:
        family = self.families.get(session_id)
        if family is None or family.ended or family.user_id != user_id:
            return False
        self._bury(session_id, "ended")
        return True

    def end_all(self, user_id: str, epoch: int, keep: str | None, older_only: bool = False) -> int:
        self.epochs[user_id] = max(epoch, self.epochs.get(user_id, 0))
        ended = 0
        for session_id, family in list(self.families.items()):
            if family.user_id != user_id or family.ended:
                continue
            if session_id == keep:
                self.families[session_id] = replace(family, epoch=max(epoch, family.epoch))
            elif not older_only or family.epoch < epoch:
                self._bury(session_id, "ended")
                ended += 1
        return ended

    def live(self, user_id: str) -> list[str]:
        """Newest use first."""
        now = self._now()
        mine = [family for family in self.families.values() if family.user_id == user_id and not family.ended]
        live = [family for family in mine if now < family.deadline(LIFETIMES.idle)]
        live.sort(key=lambda family: (family.rotated_at, family.session_id), reverse=True)
        return [family.session_id for family in live]

    def _bury(self, session_id: str, why: str) -> None:
        tomb, event = bury(self.families[session_id], why, self._now(), LIFETIMES)
        self.families[session_id] = tomb
        self.events.append(event)

    def _now(self) -> int:
        return round(self.clock.now() * 1000)
