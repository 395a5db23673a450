"""One side of a proxied WebSocket: the bytes of one connection become frames, and go to the other side at once.

Nothing is queued. What the other side has no room for stays in the sender's socket: reading stops, and only this
WebSocket waits. Pings are answered here and never passed on, and so is `permessage-deflate`: both belong to a hop.
"""

import asyncio
import codecs
from collections.abc import Callable
from typing import Final

from websockets.frames import Close, Frame, Opcode
from websockets.protocol import Protocol, State

from gateway.asgi import Successor

GOING_AWAY: Final = 1001
NO_STATUS: Final = 1005
INVALID_DATA: Final = 1007

# Deflate makes at most a thousandfold of what came in: 16 KiB become 16 MiB before the next look at the other side.
_BITE: Final = 16 * 1024
_CLOSING_SECONDS: Final = 5.0
# A peer that was not heard of for this long is asked whether it is there, and given up when it does not say so.
_SILENCE_SECONDS: Final = 20.0
# One that takes nothing for this long would hold the other side for as long as it likes.
_STALL_SECONDS: Final = 75.0

_CONTROL: Final = frozenset({Opcode.PING, Opcode.PONG})
_Utf8: Final[Callable[[], codecs.IncrementalDecoder]] = codecs.getincrementaldecoder("utf-8")


class Half(Successor):
    """`frames` is the protocol of this hop, open. `lost` is the close code the other side is told when this one
    ends without a word or breaks the protocol: 1006 is never sent (RFC 6455 section 7.4.1).

    `join` first, then let a transport call. `ended` is called once, when both connections are gone.
    """

    __slots__ = (
        "_asked",
        "_busy",
        "_decoder",
        "_ended",
        "_full",
        "_full_since",
        "_heard",
        "_loop",
        "_lost",
        "_other",
        "_paused",
        "_silent_since",
        "_timer",
        "_unread",
        "frames",
        "gone",
        "received",
        "transport",
    )

    def __init__(
        self, frames: Protocol, loop: asyncio.AbstractEventLoop, *, lost: int, ended: Callable[[], object]
    ) -> None:
        self.frames = frames
        self.gone = False
        self.received = 0
        self._loop = loop
        self._lost = lost
        self._ended = ended
        self._other = self
        self.transport: asyncio.Transport | None = None
        self._full = self._paused = self._busy = self._heard = self._asked = False
        self._unread = b""
        self._silent_since = self._full_since = loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._decoder: codecs.IncrementalDecoder | None = None

    def join(self, other: "Half") -> None:
        """Both halves know each other from now on."""
        self._other = other
        other._other = self

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, unless one was sent; the connection ends when the peer answers, or a little later."""
        if self.frames.state is State.OPEN and not self.gone:
            self.frames.send_close(None if code == NO_STATUS else code, reason)
            self._flush()

    def abort(self) -> None:
        """End the connection without a word."""
        if self.transport is not None:
            self.transport.abort()

    def part(self) -> None:
        """Both connections are gone. Halves and parser refer to each other, and must not wait for the collector."""
        self.frames.parser.close()
        del self._other, self._ended

    # What the server calls.

    def shutdown(self) -> None:
        if not self.gone:
            self.close(GOING_AWAY)
            self._other.close(GOING_AWAY)

    def sweep(self, now: float) -> None:
        """Find out whether the peers are still there, of both halves."""
        if not self.gone:
            self._look_after(now)
            self._other._look_after(now)

    def _look_after(self, now: float) -> None:
        if not self._full:
            self._full_since = now
        elif now - self._full_since > _STALL_SECONDS:
            self.abort()
        if self._heard or self._paused or self._full:
            self._heard = self._asked = False
            self._silent_since = now
        elif now - self._silent_since > _SILENCE_SECONDS:
            self._silent_since = now
            if self._asked:
                self.abort()
            elif self.frames.state is State.OPEN:
                self._asked = True
                self.frames.send_ping(b"")
                self._flush()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._heard = True

    def data_received(self, data: bytes) -> None:
        self._heard = True
        self._unread = self._unread + data if self._unread else data
        self._read()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._other._read()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._full = False
        self._unread = b""
        if self._timer is not None:
            self._timer.cancel()
        if self._other.gone:
            self._ended()
        else:
            self._other.close(self._lost)
            self._other._read()

    # From bytes to frames, and to the other side.

    def _read(self) -> None:
        """Take what has arrived as long as the other side has room, or does not want any of it any more."""
        if self._busy or self.gone:
            return
        self._busy = True
        most = _BITE if self.frames.extensions else len(self._unread)
        while self._unread and not self._other._holds_up():
            bite, self._unread = self._unread[:most], self._unread[most:]
            self._take(bite)
        self._busy = False
        self._regulate()

    def _regulate(self) -> None:
        waits = self._other._holds_up()
        if waits is self._paused or self.transport is None or self.transport.is_closing():
            return
        self._paused = waits
        if waits:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _holds_up(self) -> bool:
        return self._full and self.frames.state is State.OPEN

    def _take(self, data: bytes) -> None:
        frames = self.frames
        frames.receive_data(data)
        # These are answers to pings; a peer that does not read them need not have them (RFC 6455 section 5.5.3).
        self._flush(unless_full=True)
        failed = frames.parser_exc is not None
        for frame in frames.events_received():
            if not isinstance(frame, Frame) or not self._pass_on(frame):
                failed = True
                break
        if failed:
            self._other.close(self._lost)

    def _pass_on(self, frame: Frame) -> bool:
        """False when it must not be passed on, because the connection has failed."""
        opcode = frame.opcode
        if opcode is Opcode.CLOSE:
            close = self.frames.close_rcvd or Close(NO_STATUS, "")
            self._other.close(close.code, close.reason)
        elif opcode not in _CONTROL:
            if not self._is_sound(frame):
                return False
            self.received += len(frame.data)
            self._other._send(frame)
        return True

    def _is_sound(self, frame: Frame) -> bool:
        """Whether a text, as far as it has come, is UTF-8 (RFC 6455 section 8.1); else the connection fails."""
        if frame.opcode is Opcode.TEXT:
            self._decoder = _Utf8()
        if self._decoder is not None:
            try:
                self._decoder.decode(frame.data, frame.fin)
            except UnicodeDecodeError:
                self.frames.fail(INVALID_DATA, "invalid UTF-8")
                self._flush()
                return False
            if frame.fin:
                self._decoder = None
        return True

    # From frames to bytes.

    def _send(self, frame: Frame) -> None:
        frames = self.frames
        if frames.state is not State.OPEN or self.gone:
            return
        if frame.opcode is Opcode.CONT:
            frames.send_continuation(frame.data, frame.fin)
        elif frame.opcode is Opcode.TEXT:
            frames.send_text(frame.data, frame.fin)
        else:
            frames.send_binary(frame.data, frame.fin)
        self._flush()

    def _flush(self, *, unless_full: bool = False) -> None:
        """Write what the protocol wants written. An empty piece stands for the end of the stream."""
        pieces = self.frames.data_to_send()
        transport = self.transport
        if not pieces or transport is None or transport.is_closing():
            return
        ending = self.frames.state is not State.OPEN
        if unless_full and self._full and not ending:
            return
        transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if ending and self._timer is None:
            self._timer = self._loop.call_later(_CLOSING_SECONDS, transport.abort)
            # Nothing is passed on to this side any more: the other reads on, and hears the answer to a close.
            self._loop.call_soon(self._other._read)
        if not pieces[-1]:
            self._end_stream(transport)

    def _end_stream(self, transport: asyncio.Transport) -> None:
        """Close, if the peer has said its last word; else go on reading, lest a reset swallows ours."""
        if self.frames.close_rcvd is None and transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()
