"""Answers and WebSockets that last, and the end of the authority behind them.

A request is judged once, when it begins. What lasts longer is judged again whenever this worker hears of a
revocation, and its session is looked up in the store from time to time, for sessions that end without an event.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from gateway.clock import Clock
from gateway.context import GatewayContext
from gateway.errors import StoreUnavailable
from gateway.policy.decide import decide
from gateway.policy.route import Route
from gateway.policy.table import Match
from gateway.principal import Principal
from gateway.reasons import Reason
from gateway.sessions.events import EventKind, RevocationEvent
from gateway.sessions.revocation import RevocationView
from gateway.sessions.store import SessionStore

_SHORTEST_PAUSE: Final = 0.01

logger = logging.getLogger("gateway")


class Watch:
    """One thing that lasts. `cut` is called once, with the reason why it may not last any longer."""

    __slots__ = ("cut", "expiry", "params", "principal", "route")

    def __init__(self, principal: Principal, match: Match, cut: Callable[[Reason], object]) -> None:
        self.principal = principal
        self.route: Route = match.route
        self.params: Mapping[str, str] = match.params
        self.cut = cut
        self.expiry: asyncio.TimerHandle | None = None


class Live:
    """What lasts in this worker, by session and by user. `count_cut` is told the reason of each cut.

    Every session is looked up once in `period` seconds, or as often as a hundred lookups a second allow.
    """

    def __init__(
        self,
        *,
        revocations: RevocationView,
        store: SessionStore,
        clock: Clock,
        count_cut: Callable[[str], object] = lambda _: None,
        period: float = 10.0,
    ) -> None:
        self._revocations = revocations
        self._store = store
        self._clock = clock
        self._count_cut = count_cut
        self._period = period
        self._by_session: dict[str, set[Watch]] = {}
        self._by_user: dict[str, set[Watch]] = {}
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._revocations.listen(self._heard)
        self._task = asyncio.create_task(self._look_up_sessions(), name="live-sessions")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @property
    def watched(self) -> int:
        """How many things last."""
        return sum(len(watches) for watches in self._by_user.values())

    def watch(self, context: GatewayContext, cut: Callable[[Reason], object]) -> Watch | None:
        """Watch over an admitted request until `forget`; None when nobody's authority is behind it.

        What was heard since the decision counts: `cut` may be called at once.
        """
        if context.principal is None or context.match is None:
            return None
        watch = Watch(context.principal, context.match, cut)
        self._keep(watch)
        self._judge(watch)
        return watch

    def forget(self, watch: Watch | None) -> None:
        """It has ended by itself, or was cut."""
        if watch is None:
            return
        if watch.expiry is not None:
            watch.expiry.cancel()
        principal = watch.principal
        _drop(self._by_user, principal.subject, watch)
        if principal.session_id is not None:
            _drop(self._by_session, principal.session_id, watch)

    def _keep(self, watch: Watch) -> None:
        principal = watch.principal
        self._by_user.setdefault(principal.subject, set()).add(watch)
        if principal.session_id is not None:
            self._by_session.setdefault(principal.session_id, set()).add(watch)
        else:
            # A token without a session of ours lives as long as it says.
            seconds = max(0.0, principal.expires_at - self._clock.now())
            watch.expiry = asyncio.get_running_loop().call_later(seconds, self._cut, watch, Reason.TOKEN_EXPIRED)

    def _heard(self, event: RevocationEvent) -> None:
        ended = event.kind is EventKind.SESSION_ENDED
        for watch in tuple((self._by_session if ended else self._by_user).get(event.ref, ())):
            self._judge(watch)

    def _judge(self, watch: Watch) -> None:
        """As a request would be judged now (`auth.authenticator`), by the principal it began with."""
        view, principal = self._revocations, watch.principal
        ended = principal.session_id is not None and view.session_ended(principal.session_id)
        if ended or view.disabled(principal.subject):
            self._cut(watch, Reason.TOKEN_REVOKED)
        else:
            role = view.role_in_force(principal.subject)
            if role is not None and principal.roles != (role,):
                watch.principal = principal.with_role(role)
                decision = decide(watch.route, watch.params, watch.principal)
                if not decision.allowed:
                    self._cut(watch, decision.reason or Reason.ROLE_MISSING)

    def _cut(self, watch: Watch, reason: Reason) -> None:
        self.forget(watch)
        self._count_cut(reason.word)
        watch.cut(reason)

    async def _look_up_sessions(self) -> None:
        while True:
            await asyncio.sleep(self._period if not self._by_session else 0)
            try:
                await self._look_up_all()
            except StoreUnavailable:
                # Nothing is known to have ended. The feed says, in the log, that the store is away.
                await asyncio.sleep(self._period)
            except Exception:
                logger.exception("looking up the sessions of open connections failed")
                await asyncio.sleep(self._period)

    async def _look_up_all(self) -> None:
        """One round over the sessions there are now, spread over the period."""
        sessions = list(self._by_session)
        pause = max(_SHORTEST_PAUSE, self._period / max(1, len(sessions)))
        for session_id in sessions:
            await asyncio.sleep(pause)
            watches = tuple(self._by_session.get(session_id, ()))
            if watches and not await self._store.is_live(watches[0].principal.subject, session_id):
                for watch in watches:
                    self._cut(watch, Reason.SESSION_ENDED)


def _drop(places: dict[str, set[Watch]], key: str, watch: Watch) -> None:
    watches = places.get(key)
    if watches is not None:
        watches.discard(watch)
        if not watches:
            del places[key]
