"""The border: refusals raised anywhere below become problem answers here, once."""

import logging
from collections.abc import Callable

from starlette.exceptions import HTTPException

from gateway.asgi import ASGIApp, Message, Receive, Scope, Send
from gateway.context import SCOPE_KEY, GatewayContext
from gateway.errors import Refusal
from gateway.middleware.fields import Fields, setting_fields
from gateway.middleware.problem import send_fault, send_problem
from gateway.reasons import Reason

logger = logging.getLogger("gateway")

_STARLETTE = {404: Reason.NO_ROUTE, 405: Reason.METHOD_NOT_ALLOWED}


class RefusalMiddleware:
    """Renders `Refusal`; a defect becomes a bare 500 and a traceback in the log.

    Once the answer has begun nothing can be said any more: the exception goes on to the server, which closes
    the connection, so that a truncated answer never looks complete (RFC 9112 section 8). `fields_for` says what
    else the answer to a request carries.
    """

    def __init__(self, app: ASGIApp, *, fields_for: Callable[[GatewayContext], Fields] = lambda _: []) -> None:
        self.app = app
        self.fields_for = fields_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        context: GatewayContext = scope[SCOPE_KEY]
        try:
            await self.app(scope, receive, send)
        except Refusal as refusal:
            # What the server has told the client already, such as 408, is what is recorded.
            aborted = scope.get("aborted")
            await self._refuse(context, refusal if aborted is None else Refusal(aborted), send)
        except HTTPException as error:
            await self._refuse(context, _of_starlette(error), send)
        except Exception:
            if context.status:
                raise
            logger.exception("request %s failed", context.request_id)
            context.status = 500
            context.bytes_out = await send_fault(self._also(context, send), context.request_id)

    async def _refuse(self, context: GatewayContext, refusal: Refusal, send: Send) -> None:
        context.reason = refusal.reason
        context.why = getattr(refusal, "why", None)
        if context.status:
            raise refusal
        context.status = refusal.reason.status
        context.bytes_out = await send_problem(self._also(context, send), refusal, context.request_id)

    def _also(self, context: GatewayContext, send: Send) -> Send:
        fields = self.fields_for(context)
        return setting_fields(send, fields, ()) if fields else send


def _of_starlette(error: HTTPException) -> Refusal:
    reason = _STARLETTE.get(error.status_code, Reason.BODY_INVALID)
    headers = dict(error.headers or {})
    if "Allow" in headers:
        # Starlette joins a set: the same answer every time, please.
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    return Refusal(reason, headers=headers)


def watched(context: GatewayContext, send: Send) -> Send:
    """A `send` that notes the status and size of an answer some other application makes."""

    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            context.status = message["status"]
        else:
            context.bytes_out += len(message.get("body", b""))
        await send(message)

    return noting
