"""A request body on its way up over HTTP/2, and the deadline that goes with each stage of it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine

from gateway.proxy.transport import UpstreamRequest


class H2Upload:
    """`pieces` is what httpcore2 sends, in the task that `start` makes.

    `deadline` is what the exchange runs under until the head of the answer is there: nothing while the client
    is slow (the server sees to that), `idle_timeout` while the upstream is, `response_timeout` once all is out.
    """

    def __init__(self, request: UpstreamRequest, deadline: asyncio.Timeout) -> None:
        self.begun = False
        self.failure: Exception | None = None
        self._request = request
        self._deadline: asyncio.Timeout | None = deadline
        self._loop = asyncio.get_running_loop()

    def start(self, sending: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Send beside the exchange."""
        task = self._loop.create_task(sending)
        task.add_done_callback(self._sent)
        return task

    def settled(self) -> None:
        """The head of the answer is there, or will never be: the deadline has done its work."""
        self._deadline = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes; what it raises is kept as `failure`."""
        request = self._request
        if isinstance(request.body, bytes):
            self._allow(request.idle_timeout)
            yield request.body
            return
        if request.body is None:
            return
        self.begun = True
        try:
            self._allow(None)
            async for piece in request.body:
                self._allow(request.idle_timeout)
                yield piece
                self._allow(None)
        except Exception as failure:
            self.failure = failure
            raise

    def _sent(self, sending: asyncio.Task[None]) -> None:
        """All is out, or nothing more will be: an upstream that stops listening still has the word.

        Only what the client did wrong ends the exchange.
        """
        failed = not sending.cancelled() and sending.exception() is not None
        self._allow(0 if failed and self.failure is not None else self._request.response_timeout)

    def _allow(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.reschedule(None if seconds is None else self._loop.time() + seconds)
