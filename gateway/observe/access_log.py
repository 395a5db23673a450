"""One JSON line for each finished request; never a token, a cookie or a query."""

from json.encoder import encode_basestring_ascii as quoted
from typing import Final

from gateway.clock import Clock
from gateway.observe.lines import LineWriter, Write
from gateway.observe.timestamps import Timestamps

_DELAY_SECONDS: Final = 0.1


class AccessLog:
    """Lines are put together by hand (a JSON encoder costs several times as much) and written in batches."""

    def __init__(self, write: Write, clock: Clock) -> None:
        self._lines = LineWriter(write, delay=_DELAY_SECONDS)
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
    ) -> None:
        """One request. `path` as received and without its query; durations in seconds (in the line: ms)."""
        upstream_ms = "null" if upstream_seconds is None else f"{upstream_seconds * 1000:.3f}"
        # What comes from outside is quoted by the JSON encoder's own routine: one request, one line.
        self._lines.add(
            f'{{"time":"{self._timestamps.format(self._clock.now())}","request_id":{quoted(request_id)}'
            f',"method":{quoted(method)},"path":{quoted(path.decode("ascii", "backslashreplace"))}'
            f',"route":{quoted(route)},"reason":{"null" if reason is None else quoted(reason)}'
            f',"status":{status},"subject":{"null" if subject is None else quoted(subject)}'
            f',"client":{quoted(client)},"upstream":{"null" if upstream is None else quoted(upstream)}'
            f',"ms":{seconds * 1000:.3f},"upstream_ms":{upstream_ms}'
            f',"bytes_in":{bytes_in},"bytes_out":{bytes_out}}}\n'
        )
