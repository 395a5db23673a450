"""`routes:` which requests go where, and who may send them."""

from typing import Annotated, Literal

from gateway.config.fields import (
    AddedHeaderValue,
    Duration,
    Flag,
    GivenText,
    HeaderName,
    HeaderValue,
    Leaves,
    Name,
    OneOf,
    Rate,
    Reader,
    Section,
    Text,
    required,
    setting,
    size,
    whole,
)
from gateway.config.models_other import CorsSettings
from gateway.config.scalars import bare, unfit
from gateway.config.words import read_flag


def _read_enforce(value: object) -> bool | str:
    if value == "shadow":
        return "shadow"
    if isinstance(value, str) and value not in ("true", "false"):
        raise unfit("must be true or shadow")
    return read_flag(value)


Mark = Annotated[Literal["%2F", "%5C", "%3B", "%3F", "%23", "%25", ";", "//"], OneOf()]
Enforce = Annotated[bool | str, Reader(_read_enforce, {"enum": [True, "shadow"]}, bare, "`true` or `shadow`")]


class RouteTimeouts(Section):
    """Replaces the upstream's timeouts."""

    response: Duration | None = setting(None, "For the first byte of an answer.")
    idle: Duration | None = setting(None, "Between two parts of an answer.")


class RateLimit(Section):
    """How often a route may be used."""

    rate: Rate = required("How many requests in which time.")
    per: Annotated[Literal["user", "ip", "route"], OneOf()] = setting(
        "user", "Who is counted: each user, each address (IPv6: /64), or all callers of the route together."
    )


class HeaderEdits(Section):
    """Headers to add to a message and to remove from it."""

    add: dict[str, HeaderValue] = setting({}, "Headers to set, name to value.")
    remove: tuple[HeaderName, ...] = setting([], "Headers to remove.")


class RequestHeaderEdits(HeaderEdits):
    """The same for requests."""

    add: dict[str, AddedHeaderValue] = setting({}, "Headers to set, name to value.")


class RouteHeaders(Section):
    """Changes to the headers."""

    request: RequestHeaderEdits = setting({}, "On the way to the upstream.")
    response: HeaderEdits = setting({}, "On the way back.")


class RouteSettings(Section):
    """Which requests go where, and who may send them."""

    name: Name = required("Names the route in logs, metrics and reports.")
    path: Text = required("`/a` exactly, `/a/{id}` one segment, `/a/**` everything below (and `/a`).")
    host: GivenText = setting(None, "A host, or `*.example` for all below it; by default any host.")
    methods: tuple[Text, ...] | None = setting(None, "The methods taken; by default all. GET does not imply HEAD.")
    access: Leaves = required("Who may: public, optional, authenticated, or conditions on the caller.")
    upstream: Text = required("The upstream that answers.")
    strip_prefix: GivenText = setting(None, "Taken off the path before it goes upstream.")
    add_prefix: GivenText = setting(None, "Put before the path, after `strip_prefix`.")
    timeouts: RouteTimeouts = setting({}, "Replaces the upstream's timeouts.")
    retries: Annotated[int, whole(0, 10)] | None = setting(None, "Replaces the upstream's retries.")
    body_limit: Annotated[int, size()] | None = setting(None, "Replaces server.limits.body.")
    rate_limit: RateLimit | None = setting(None, "How often the route may be used.")
    credentials: Annotated[Literal["strip", "forward"], OneOf()] = setting(
        "strip", "Whether the caller's token reaches the upstream."
    )
    identity: Annotated[Literal["headers", "assertion", "none"], OneOf()] = setting(
        "headers", "How the upstream learns who calls."
    )
    allow_in_path: tuple[Mark, ...] = setting([], "Spellings in the path that are otherwise refused as ambiguous.")
    websocket: Flag = setting(False, "Whether WebSockets may be opened.")
    cors: CorsSettings | None = setting(None, "Replaces the cors section; `{}` leaves CORS to the upstream.")
    enforce: Enforce = setting(True, "Whether denials hold; `shadow` logs what would be denied and lets it pass.")
    headers: RouteHeaders = setting({}, "Changes to the headers.")
    revocation: Annotated[Literal["bounded", "strict"], OneOf()] = setting(
        "bounded", "With `strict`, the session store is asked on every request."
    )
