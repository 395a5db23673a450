"""The counters of one worker: plain dicts on the hot path, made into Prometheus text only when asked for."""

import math
from collections.abc import Callable
from typing import Any, Final

from gateway.observe.histogram import Histogram

AUTH_ROUTE: Final = "auth"
"""The route name that the gateway's own endpoints go by."""

MOST_SERIES: Final = 50_000
MOST_UPSTREAMS: Final = 1_000
_OTHER: Final = "-"

_LOGIN_OUTCOMES: Final = {
    "login": "granted",
    "registered": "registered",
    "login-failed": "refused",
    "login-disabled": "disabled",
}
_ENDINGS: Final = frozenset(
    {"logout", "logout-all", "session-ended", "refresh-reused", "password-changed", "user-disabled"}
)


class Counters:
    """Counts what passes through one worker; used from its event loop only.

    `staleness` (seconds), `revocations` (entries) and `dropped_lines` (of the logs) are asked at each
    snapshot. Labels are bounded: names come from the configuration, and past `MOST_SERIES` combinations new
    ones are counted under the route `-`. `in_flight` and `websockets` are the callers' to raise and lower.
    """

    def __init__(
        self,
        *,
        staleness: Callable[[], float] = lambda: 0.0,
        revocations: Callable[[], int] = lambda: 0,
        dropped_lines: Callable[[], int] = lambda: 0,
    ) -> None:
        self.in_flight = 0
        self.websockets = 0
        self._staleness = staleness
        self._revocations = revocations
        self._dropped_lines = dropped_lines
        self._requests: dict[tuple[str, str, int], int] = {}
        self._proxied = Histogram()
        self._auth = Histogram()
        self._upstreams: dict[str, Histogram] = {}
        self._refreshes: dict[str, int] = {}
        self._logins: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._cut: dict[str, int] = {}

    def observe_request(self, route: str, reason: str, status: int, seconds: float) -> None:
        """One finished request; `reason` is the word of the refusal, or `allowed`."""
        series = (route, reason, status)
        try:
            self._requests[series] += 1
        except KeyError:
            self._count_new(series)
        # How long a WebSocket was open says nothing about speed.
        if status != 101:
            (self._auth if route == AUTH_ROUTE else self._proxied).observe(seconds)

    def observe_upstream(self, upstream: str, seconds: float) -> None:
        """The time an upstream took to the first byte of its answer."""
        histogram = self._upstreams.get(upstream)
        if histogram is None:
            name = upstream if len(self._upstreams) < MOST_UPSTREAMS else _OTHER
            histogram = self._upstreams.setdefault(name, Histogram())
        histogram.observe(seconds)

    def observe_refresh(self, outcome: str) -> None:
        """One rotation, by the outcome that the session store gave it."""
        self._refreshes[outcome] = self._refreshes.get(outcome, 0) + 1

    def observe_event(self, event: str) -> None:
        """Count an event of the event log, where it is a login or ends sessions."""
        outcome = _LOGIN_OUTCOMES.get(event)
        if outcome is not None:
            self._logins[outcome] = self._logins.get(outcome, 0) + 1
        elif event in _ENDINGS:
            self._ended[event] = self._ended.get(event, 0) + 1

    def observe_cut(self, reason: str) -> None:
        """A WebSocket or stream that ended because the authority behind it did."""
        self._cut[reason] = self._cut.get(reason, 0) + 1

    def snapshot(self) -> dict[str, Any]:
        """Everything counted so far, as JSON can carry it; an infinite staleness is None."""
        staleness = self._staleness()
        return {
            "requests": [[*series, count] for series, count in self._requests.items()],
            "request_seconds": {"proxied": self._proxied.snapshot(), "auth": self._auth.snapshot()},
            "upstream_seconds": {name: each.snapshot() for name, each in self._upstreams.items()},
            "refreshes": dict(self._refreshes),
            "logins": dict(self._logins),
            "sessions_ended": dict(self._ended),
            "connections_cut": dict(self._cut),
            "in_flight": self.in_flight,
            "websockets": self.websockets,
            "revocation_staleness": staleness if math.isfinite(staleness) else None,
            "revocation_entries": self._revocations(),
            "dropped_lines": self._dropped_lines(),
        }

    def _count_new(self, series: tuple[str, str, int]) -> None:
        if len(self._requests) >= MOST_SERIES:
            series = (_OTHER, series[1], series[2])
        self._requests[series] = self._requests.get(series, 0) + 1
