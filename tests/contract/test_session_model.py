"""Random histories, played on every session store and on the model side by side."""

import asyncio
from collections.abc import Coroutine, Iterator
from itertools import count
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from gateway.clock import ManualClock
from gateway.errors import Refusal
from gateway.sessions.store import NewSession, RevocationEvent, SessionStore
from tests.support.session_model import SessionModel
from tests.support.session_stores import make_store, new_session, presented

T = TypeVar("T")
USERS = ("ann", "bob")
SETTINGS = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))


class Bench:
    """One store for all examples; each example uses users of its own."""

    def __init__(self, url: str) -> None:
        self.clock = ManualClock()
        self.store: SessionStore = make_store(url, self.clock)
        self.runner = asyncio.Runner()
        self.examples = count()
        self.run(self.store.open())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self.store.close())
        self.runner.close()


@pytest.fixture
def bench(store_url: str) -> Iterator[Bench]:
    bench = Bench(store_url)
    yield bench
    bench.close()


class SessionHistory(RuleBasedStateMachine):
    """What people, thieves and operators may do, in any order."""

    sessions = Bundle("sessions")

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.example = next(bench.examples)
        self.numbers = count()
        self.model = SessionModel(bench.clock)
        self.cursor = ""

    @initialize()
    def begin(self) -> None:
        batch = self.bench.run(self.bench.store.tail())
        self.cursor = batch.cursor
        self._read_events()

    @rule(target=sessions, user=st.sampled_from(USERS), epoch=st.integers(0, 2))
    def log_in(self, user: str, epoch: int) -> str:
        session_id = f"{self.example}-{next(self.numbers)}-{user}"
        session = new_session(self.bench.clock, session_id, self._user(session_id), epoch=epoch)
        assert self.bench.run(self._create(session)) == self.model.create(session)
        return session_id

    @rule(
        session_id=sessions,
        step=st.sampled_from([0, 0, 0, -1, -1, -2, 1, 5]),
        epoch=st.sampled_from([0, 0, 1, 2]),
        forged=st.sampled_from([False, False, False, True]),
    )
    def refresh(self, session_id: str, step: int, epoch: int, forged: bool) -> None:
        family = self.model.families.get(session_id)
        generation = max(0, (family.generation if family else 0) + step)
        digest = "f" * 64 if forged else None
        token = presented(generation, session_id, self._user(session_id), epoch=epoch, digest=digest)
        rotation = self.bench.run(self.bench.store.rotate(token))
        assert (rotation.outcome, rotation.rotated_at, rotation.expires_at) == self.model.rotate(token)

    @rule(session_id=sessions)
    def log_out(self, session_id: str) -> None:
        user_id = self._user(session_id)
        ended = self.bench.run(self.bench.store.end(user_id, session_id))
        assert ended == self.model.end(user_id, session_id)

    @rule(session_id=sessions, epoch=st.integers(0, 2), stays=st.booleans(), older=st.booleans())
    def end_all(self, session_id: str, epoch: int, stays: bool, older: bool) -> None:
        user_id, keep = self._user(session_id), session_id if stays else None
        ended = self.bench.run(self.bench.store.end_all(user_id, epoch=epoch, keep=keep, older_only=older))
        assert ended == self.model.end_all(user_id, epoch, keep, older)

    @rule(seconds=st.sampled_from([0.001, 1.0, 9.999, 10.0, 11.0, 300.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)

    @invariant()
    def the_same_sessions_live(self) -> None:
        for name in USERS:
            user_id = f"{self.example}-{name}"
            listed = self.bench.run(self.bench.store.sessions_of(user_id))
            assert [info.session_id for info in listed] == self.model.live(user_id)

    def teardown(self) -> None:
        heard = self._read_events()
        assert sorted(heard, key=_by_session) == sorted(self.model.events, key=_by_session)

    async def _create(self, session: NewSession) -> tuple[str, ...] | None:
        try:
            return await self.bench.store.create(session)
        except Refusal:
            return None

    def _read_events(self) -> list[RevocationEvent]:
        heard: list[RevocationEvent] = []
        while (batch := self.bench.run(self.bench.store.events_after(self.cursor, 0))).events:
            heard.extend(batch.events)
            self.cursor = batch.cursor
        return heard

    def _user(self, session_id: str) -> str:
        return f"{self.example}-{session_id.rpartition('-')[2]}"


def _by_session(event: RevocationEvent) -> str:
    return event.ref


def test_stores_and_model_agree(bench: Bench) -> None:
    class History(SessionHistory):
        def __init__(self) -> None:
            super().__init__(bench)

    run_state_machine_as_test(History, settings=SETTINGS)
