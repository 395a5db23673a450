"""Builds the header list an upstream is sent for one request, without a server around it."""

from typing import Any

from gateway.context import GatewayContext
from gateway.policy.route import Route
from gateway.policy.target import read_target
from gateway.proxy.headers import HeaderRules, request_headers
from tests.proxy.harness import ROUTE

Fields = list[tuple[bytes, bytes]]
# What the gateway sets on every request.
OWN = {b"host", b"via", b"x-forwarded-proto", b"x-forwarded-for", b"x-forwarded-host", b"x-request-id"}


def context_of(*fields: tuple[bytes, bytes], target: bytes = b"/", **facts: Any) -> GatewayContext:
    context = GatewayContext(
        request_id="rid-1",
        started=0.0,
        method="GET",
        scheme="http",
        peer="192.0.2.7",
        headers=[(b"host", b"gw.test:8080"), *fields],
    )
    context.target = read_target(target, 8192)
    for name, value in facts.items():
        setattr(context, name, value)
    return context


def sent(
    *fields: tuple[bytes, bytes],
    route: Route = ROUTE,
    rules: HeaderRules | None = None,
    preserve_host: bool = False,
    **facts: Any,
) -> Fields:
    return request_headers(
        rules or HeaderRules(cookies=["gateway_access", "gateway_csrf"]),
        context_of(*fields, **facts),
        route,
        authority=b"svc:8000",
        preserve_host=preserve_host,
    )


def of_client(fields: Fields) -> Fields:
    return [field for field in fields if field[0] not in OWN]


def values(fields: Fields, name: bytes) -> list[bytes]:
    return [value for key, value in fields if key == name]
