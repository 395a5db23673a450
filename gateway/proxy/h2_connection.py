"""httpcore2's HTTP/2 connection, with what a gateway needs of it beyond a client's needs.

The methods that begin with an underscore are httpcore2's own, overridden; tests hold this file to the versions
that pyproject.toml allows.
"""

import asyncio
import contextlib
import re
from typing import Final

import h2.config
import h2.errors
import h2.events
import h2.exceptions
import httpcore2

from gateway.proxy.h2_upload import H2Upload
from gateway.proxy.h2_wire import Wire
from gateway.proxy.transport import Headers

MOST_STREAMS: Final = 100
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE: Final = re.compile(rb"[\t -~\x80-\xff]*")


class H2Connection(httpcore2.AsyncHTTP2Connection):
    """Sends bodies beside their answers, resets what is given up, believes no head that breaks the rules.

    `in_use` counts the exchanges it carries. It takes no new ones once it is `max_age` seconds old, so that
    address changes are followed.
    """

    # RFC 9113 section 8.2.1: httpcore2 takes names and values as they come.
    CONFIG = h2.config.H2Configuration(validate_inbound_headers=True, header_encoding=None)

    def __init__(self, origin: httpcore2.Origin, wire: Wire, *, retire_at: float) -> None:
        super().__init__(origin=origin, stream=wire)
        self.wire = wire
        self.in_use = 0
        self.carried = 0
        self.retire_at = retire_at
        self.idle_timer: asyncio.TimerHandle | None = None
        self._uploads: dict[int, asyncio.Task[None]] = {}

    def takes_more(self, now: float) -> bool:
        """Whether another exchange may begin on it."""
        return self.is_available() and not self.wire.ended and self.in_use < MOST_STREAMS and now < self.retire_at

    async def _send_request_body(self, request: httpcore2.Request, stream_id: int) -> None:
        """Start sending, and go on to the answer: it may come before the request is out."""
        upload: H2Upload | None = request.extensions["upload"]
        sending = super()._send_request_body(request, stream_id)
        if upload is None:
            await sending
        else:
            self._uploads[stream_id] = upload.start(sending)

    async def _receive_response(self, request: httpcore2.Request, stream_id: int) -> tuple[int, Headers]:
        """A head that would also pass as HTTP/1.1, which is what it becomes (RFC 9113 section 10.3)."""
        status, headers = await super()._receive_response(request, stream_id)
        if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers):
            raise httpcore2.RemoteProtocolError("a field of the answer is not valid")
        return status, headers

    async def _response_closed(self, stream_id: int) -> None:
        """Take back what httpcore2 would leave to the other side: the stream, and window for what nobody read.

        Without the first an upstream goes on sending to nobody; without the second the connection is at a stand
        once 16 MiB have been left behind on it.
        """
        upload = self._uploads.pop(stream_id, None)
        if upload is not None:
            upload.cancel()
        # A connection that is closed, or about to be, takes none of it.
        with contextlib.suppress(h2.exceptions.ProtocolError):
            self._take_back(stream_id)
        await super()._response_closed(stream_id)

    def _take_back(self, stream_id: int) -> None:
        state = self._h2_state
        for event in self._events.get(stream_id, ()):
            if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                state.acknowledge_received_data(event.flow_controlled_length, stream_id)
        stream = state.streams.get(stream_id)
        if stream is not None and not stream.closed:
            state.reset_stream(stream_id, h2.errors.ErrorCodes.CANCEL)
        self.wire.send_now(state.data_to_send())
