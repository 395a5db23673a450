"""One JSON line for each finished request; never a token, a cookie or a query."""

from json.encoder import encode_basestring_ascii as quoted
from typing import Final

from gateway.clock import Clock
from gateway.observe.lines import LineWriter, Write
from gateway.observe.timestamps import Timestamps

_DELAY_SECONDS: Final = 0.05

# In the order of `AccessLog.record`, behind the time in seconds since the epoch.
_Record = tuple[
    float, str, str, bytes, str, str | None, str | None, int, str | None, str, str | None, float, float | None, int, int
]  # fmt: skip


class AccessLog:
    """Lines are put together by hand (a JSON encoder costs several times as much) and written in batches."""

    def __init__(self, write: Write, clock: Clock) -> None:
        self._lines = LineWriter(write, delay=_DELAY_SECONDS, form=self._line)
        self._clock = clock
        self._timestamps = Timestamps()

    @property
    def dropped(self) -> int:
        """How many lines could not be written."""
        return self._lines.dropped

    async def open(self) -> None:
        await self._lines.open()

    async def close(self) -> None:
        """Write what waits."""
        await self._lines.close()

    def record(
        self,
        *,
        request_id: str,
        method: str,
        path: bytes,
        route: str,
        reason: str | None,
        status: int,
        subject: str | None,
        client: str,
        upstream: str | None,
        seconds: float,
        upstream_seconds: float | None,
        bytes_in: int,
        bytes_out: int,
        why: str | None = None,
    ) -> None:
        """One request. `path` as received and without its query; durations in seconds (in the line: ms).

        `why` says more of a refusal than `reason`, such as what was wrong with the upstream.
        """
        self._lines.add(
            (
                self._clock.now(), request_id, method, path, route, reason, why, status, subject, client, upstream,
                seconds, upstream_seconds, bytes_in, bytes_out,
            )
        )  # fmt: skip

    def _line(self, record: _Record) -> str:
        (
            now, request_id, method, path, route, reason, why, status, subject, client, upstream,
            seconds, waited, size, out,
        ) = record  # fmt: skip
        because = "" if why is None else f',"why":{quoted(why)}'
        upstream_ms = "null" if waited is None else f"{waited * 1000:.3f}"
        # Everything that came from outside is quoted by the JSON encoder's own routine: one request, one line.
        return (
            f'{{"time":"{self._timestamps.format(now)}","request_id":{quoted(request_id)}'
            f',"method":{quoted(method)},"path":{quoted(path.decode("ascii", "backslashreplace"))}'
            f',"route":{quoted(route)},"reason":{"null" if reason is None else quoted(reason)}'
            f"{because}"
            f',"status":{status},"subject":{"null" if subject is None else quoted(subject)}'
            f',"client":{quoted(client)},"upstream":{"null" if upstream is None else quoted(upstream)}'
            f',"ms":{seconds * 1000:.3f},"upstream_ms":{upstream_ms}'
            f',"bytes_in":{size},"bytes_out":{out}}}\n'
        )
