"""Which requests are counted together, and what callers are told."""

from typing import Any

import pytest

from gateway.asgi import Receive, Scope, Send
from gateway.clock import ManualClock
from gateway.context import GatewayContext
from gateway.errors import Refusal
from gateway.middleware.rate_limit import RateLimitMiddleware
from gateway.policy.rate import Counted, Rate, RateLimit
from gateway.principal import Principal
from gateway.reasons import Reason
from gateway.sessions.limiter import LocalLimiter
from tests.middleware.asgi import Answer, Client, context_of, route_with

RATE = Rate(2, 60)
EVERYTHING = frozenset(Counted)


def limited(per: Counted, name: str = "orders") -> Any:
    return route_with(name=name, rate_limit=RateLimit(RATE, per))


def known_as(subject: str, context: GatewayContext, issuer: str = "gateway") -> GatewayContext:
    context.principal = Principal(subject=subject, issuer=issuer, roles=(), expires_at=2_000_000_000)
    return context


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def answer() -> Answer:
    return Answer((b"content-type", b"text/plain"), (b"RateLimit-Limit", b"9999"), (b"RateLimit-Policy", b"mine"))


@pytest.fixture
def client(clock: ManualClock, answer: Answer) -> Client:
    return Client(RateLimitMiddleware(answer, limiter=LocalLimiter(clock), counted=EVERYTHING))


async def used_up(client: Client, context: GatewayContext) -> bool:
    """Whether the request was refused."""
    try:
        await client.ask(context)
    except Refusal as refusal:
        return refusal.reason is Reason.RATE_LIMITED
    return False


async def test_answers_say_where_the_caller_stands(client: Client) -> None:
    context = context_of(limited(Counted.ADDRESS))
    assert await client.ask(context) == 200
    assert client.all(b"ratelimit-limit") == [b"2"]
    assert client.all(b"ratelimit-remaining") == [b"1"]
    assert client.all(b"ratelimit-reset") == [b"60"]
    assert client.all(b"ratelimit-policy") == [b"mine"]
    assert client.messages[1]["body"] == b"ok"


async def test_what_is_too_much_is_refused_with_a_time_to_come_back(
    client: Client, answer: Answer, clock: ManualClock
) -> None:
    context = context_of(limited(Counted.ADDRESS))
    await client.ask(context)
    await client.ask(context)
    clock.advance(0.5)
    with pytest.raises(Refusal) as raised:
        await client.ask(context)
    refusal = raised.value
    assert (refusal.reason, refusal.retry_after) == (Reason.RATE_LIMITED, 60)
    assert refusal.detail == "The limit is 2/m for each address; try again in 60 s"
    assert refusal.headers == {"RateLimit-Limit": "2", "RateLimit-Remaining": "0", "RateLimit-Reset": "60"}
    assert answer.asked == 2
    clock.advance(59.5)
    assert await client.ask(context) == 200


async def test_a_route_without_a_limit_is_not_touched(client: Client, answer: Answer) -> None:
    await client.ask(context_of())
    assert answer.send == client.send
    assert client.all(b"ratelimit-limit") == [b"9999"]


async def test_each_layer_counts_its_own_kind_only(clock: ManualClock, answer: Answer) -> None:
    late = Client(RateLimitMiddleware(answer, limiter=LocalLimiter(clock), counted={Counted.USER}))
    for _ in range(5):
        assert await late.ask(context_of(limited(Counted.ADDRESS))) == 200
    assert answer.send == late.send


@pytest.mark.parametrize(
    ("per", "first", "second", "together"),
    [
        (Counted.ADDRESS, "203.0.113.7", "203.0.113.7", True),
        (Counted.ADDRESS, "203.0.113.7", "203.0.113.8", False),
        (Counted.ADDRESS, "2001:db8::1", "2001:db8::ffff:1", True),
        (Counted.ADDRESS, "2001:db8::1", "2001:db8:0:1::1", False),
        (Counted.ROUTE, "203.0.113.7", "203.0.113.8", True),
        (Counted.USER, "203.0.113.7", "203.0.113.7", True),
        (Counted.USER, "203.0.113.7", "203.0.113.8", False),
    ],
)
async def test_callers_nobody_knows(client: Client, per: Counted, first: str, second: str, together: bool) -> None:
    for _ in range(2):
        await client.ask(context_of(limited(per), peer=first))
    assert await used_up(client, context_of(limited(per), peer=second)) is together


@pytest.mark.parametrize(
    ("other", "issuer", "together"),
    [("ann", "gateway", True), ("bob", "gateway", False), ("ann", "https://id.example", False)],
)
async def test_users_are_counted_wherever_they_come_from(
    client: Client, other: str, issuer: str, together: bool
) -> None:
    route = limited(Counted.USER)
    for number in range(2):
        await client.ask(known_as("ann", context_of(route, peer=f"203.0.113.{number}")))
    assert await used_up(client, known_as(other, context_of(route, peer="198.51.100.1"), issuer)) is together


async def test_the_address_behind_trusted_proxies_is_counted(client: Client) -> None:
    for number in range(3):
        context = context_of(limited(Counted.ADDRESS), peer="10.0.0.1")
        context.client_address = f"203.0.113.{number}"
        assert not await used_up(client, context)


async def test_routes_are_counted_apart(client: Client) -> None:
    for _ in range(2):
        await client.ask(context_of(limited(Counted.ROUTE)))
    assert not await used_up(client, context_of(limited(Counted.ROUTE, "other")))


async def test_refusals_further_in_say_it_too(clock: ManualClock) -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        raise Refusal(Reason.TOKEN_MISSING, headers={"X": "y"})

    client = Client(RateLimitMiddleware(refuse, limiter=LocalLimiter(clock), counted=EVERYTHING))
    with pytest.raises(Refusal) as raised:
        await client.ask(context_of(limited(Counted.ADDRESS)))
    assert raised.value.headers == {
        "X": "y",
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "1",
        "RateLimit-Reset": "60",
    }
