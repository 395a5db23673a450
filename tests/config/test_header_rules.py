"""Routes may not add what the proxy deletes from clients or sets itself."""

import pytest

from gateway.config.header_rules import refused_addition, refused_removal
from gateway.proxy.fields import Fate, FieldNames

NAMES = [
    "Connection",
    "Content-Length",
    "Expect",
    "Forwarded",
    "Gateway-Reason",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Remote-User",
    "TE",
    "Traceparent",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "X-Auth-Request-Email",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Gateway-Assertion",
    "X-HTTP-Method",
    "X-HTTP-Method-Override",
    "X-Method-Override",
    "X-Original-URL",
    "X-Real-IP",
    "X-Remote-User",
    "X-Request-Id",
    "X-Rewrite-URL",
    "X-Session-Id",
    "X-User-Email",
    "X-User-Id",
]


@pytest.mark.parametrize("name", [*NAMES, *(name.replace("-", "_") for name in NAMES if "-" in name)])
def test_what_the_proxy_does_not_carry_over_cannot_be_added(name: str) -> None:
    assert FieldNames().of_request(name.lower().encode()) is not Fate.KEEP
    assert refused_addition(name, request=True)


@pytest.mark.parametrize("name", ["X-Api-Key", "X-Tenant", "Accept", "Cookie", "User-Agent", "Cache-Control"])
def test_other_headers_can(name: str) -> None:
    assert refused_addition(name, request=True) is None


@pytest.mark.parametrize("name", ["X-Frame-Options", "Set-Cookie", "X-User-Id", "Server"])
def test_answers_may_carry_more(name: str) -> None:
    assert refused_addition(name, request=False) is None


@pytest.mark.parametrize("name", ["Content_Length", "Transfer-Encoding", "Host", "Gateway-Reason", "X-Request-Id"])
def test_but_not_what_frames_them(name: str) -> None:
    assert refused_addition(name, request=False)


def test_framing_cannot_be_removed_and_all_else_can() -> None:
    assert refused_removal("content-length")
    assert refused_removal("server") is None
