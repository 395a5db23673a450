"""The event log: one JSON line for whatever happens to accounts, sessions, stores and the configuration.

Events are named in kebab-case: `login`, `login-failed`, `registered`, `refresh-reused`, `refresh-forged`,
`logout`, `password-changed`, `user-disabled`, `role-changed`, `store-down`, `store-up`, `config-warning` …
"""

import json
from collections.abc import Callable

from gateway.clock import Clock
from gateway.observe.lines import LineWriter, Write
from gateway.observe.timestamps import Timestamps


class EventLog:
    """Writes events as they happen. `observe` is told the name of each, for counters."""

    def __init__(self, write: Write, clock: Clock, *, observe: Callable[[str], object] | None = None) -> None:
        # No delay: events are few, and an audit must not lose the last one before a crash.
        self._lines = LineWriter(write, delay=0, form=str)
        self._clock = clock
        self._timestamps = Timestamps()
        self._observe = observe

    @property
    def dropped(self) -> int:
        """How many events could not be written."""
        return self._lines.dropped

    async def open(self) -> None:
        await self._lines.open()

    async def close(self) -> None:
        """Write what waits."""
        await self._lines.close()

    def record(
        self,
        event: str,
        *,
        subject: str | None = None,
        session_id: str | None = None,
        address: str | None = None,
        request_id: str | None = None,
        **details: str | int,
    ) -> None:
        """One event. `details` are further facts, such as `role="admin"`; never a secret."""
        facts: dict[str, str | int | None] = {
            "time": self._timestamps.format(self._clock.now()),
            "event": event,
            "subject": subject,
            "session_id": session_id,
            "address": address,
            "request_id": request_id,
            **details,
        }
        if self._observe is not None:
            self._observe(event)
        self._lines.add(json.dumps(facts, separators=(",", ":")) + "\n")
