"""A shared gateway with many scripted upstreams behind it: each test takes one nobody has spoken to before."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import RawUpstream, Script
from tests.support.running_gateway import RunningGateway

STAGES: Final = 300
PATIENCE: Final = 10.0

_MARKS: Final = '["%2F", "%5C", "%3B", "%3F", "%23", "%25", ";", "//"]'
_UPSTREAMS: Final = """\
  s{n}: {{targets: ["{url}"]}}
  q{n}: {{targets: ["{url}"], timeouts: {{response: 500ms, idle: 500ms}}}}
"""
_ROUTES: Final = """\
  - {{name: open{n}, path: /open{n}/**, access: public, upstream: s{n}, strip_prefix: /open{n}, body_limit: 1GiB}}
  - {{name: user{n}, path: /user{n}/**, access: authenticated, upstream: s{n}, strip_prefix: /user{n}}}
  - {{name: free{n}, path: /free{n}/**, access: public, upstream: s{n}, strip_prefix: /free{n}, allow_in_path: {marks}}}
  - {{name: hasty{n}, path: /hasty{n}/**, access: public, upstream: q{n}, strip_prefix: /hasty{n}}}
  - {{name: small{n}, path: /small{n}/**, access: public, upstream: s{n}, strip_prefix: /small{n}, body_limit: 100KiB}}
  - {{name: socket{n}, path: /socket{n}/**, access: authenticated, upstream: s{n}, strip_prefix: /socket{n},
     websocket: true}}
"""


class Stage:
    """One upstream, and the routes that lead to it.

    Below `/open…` everybody may go, below `/user…` who has a token, `/free…` allows all spellings of a path,
    `/hasty…` waits half a second, `/small…` takes 100 KiB, `/socket…` takes WebSockets. The upstream sees the
    path without that first segment.
    """

    def __init__(self, gateway: RunningGateway, number: int, upstream: RawUpstream) -> None:
        self.gateway = gateway
        self.port = gateway.port
        self.upstream = upstream
        self._number = number

    def plays(self, script: Script) -> None:
        """What the upstream does with connections from now on; by default it answers 200 `ok`."""
        self.upstream.script = script

    def path(self, rest: str = "/", kind: str = "open") -> str:
        """The path at the gateway of `rest` at the upstream."""
        return f"/{kind}{self._number}{rest}"

    def client(self) -> RawClient:
        """A connection to the gateway."""
        return RawClient(self.port, timeout=PATIENCE)

    def request(
        self, method: str = "GET", rest: str = "/", *fields: str, kind: str = "open", body: bytes = b""
    ) -> bytes:
        """The bytes of a request with the given fields and a Host."""
        return head(method, self.path(rest, kind), *fields) + body

    def ask(
        self, method: str = "GET", rest: str = "/", *fields: str, kind: str = "open", body: bytes = b""
    ) -> RawMessage:
        """One request on a connection of its own."""
        with self.client() as client:
            return client.ask(self.request(method, rest, *fields, kind=kind, body=body))

    @property
    def seen(self) -> RawMessage:
        """The last request the upstream saw."""
        return self.upstream.requests[-1]


def head(method: str, target: str, *fields: str) -> bytes:
    """A request head with a Host."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: gw.test", *fields, "", ""]).encode("latin-1")


def sized(body: bytes) -> str:
    """The length field of a body."""
    return f"Content-Length: {len(body)}"


def settings(upstreams: list[RawUpstream]) -> tuple[str, str]:
    """The lines of a configuration for all upstreams and for all routes to them."""
    each = list(enumerate(upstreams))
    services = "".join(_UPSTREAMS.format(n=number, url=upstream.url) for number, upstream in each)
    return services, "".join(_ROUTES.format(n=number, marks=_MARKS) for number, _ in each)


def with_upstreams(gateway: RunningGateway, services: str) -> None:
    """Add upstreams to a configuration that was written and is not in use yet."""
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace("\nroutes:\n", f"\n{services}routes:\n", 1))


def resident(gateway: RunningGateway) -> int:
    """Bytes of memory that the gateway's process holds."""
    assert gateway.process is not None
    shown = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(gateway.process.pid)], capture_output=True, text=True, check=True
    )
    return int(shown.stdout) * 1024


def surroundings(trap: RawUpstream) -> dict[str, str]:
    """Environment variables that HTTP libraries obey, and that must mean nothing here."""
    proxy = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), trap.url)
    return {**proxy, "SSL_CERT_FILE": os.devnull, "NO_PROXY": "", "no_proxy": "", "FORWARDED_ALLOW_IPS": "*"}


class Stages:
    """Hands out stages nobody has spoken to: one whose upstream was left in peace may be had again."""

    def __init__(self, gateway: RunningGateway, upstreams: list[RawUpstream]) -> None:
        self._fresh = [Stage(gateway, number, upstream) for number, upstream in enumerate(upstreams)]
        self._quiet: list[Stage] = []
        self._script = upstreams[0].script

    @contextmanager
    def one(self) -> Iterator[Stage]:
        """For one test."""
        if not self._quiet:
            self._quiet.append(self._fresh.pop())
            self._quiet[0].upstream.__enter__()
        stage = self._quiet.pop()
        stage.plays(self._script)
        try:
            yield stage
        finally:
            if stage.upstream.peers:
                stage.upstream.__exit__(None, None, None)
            else:
                self._quiet.append(stage)


Granted = dict[str, Any]


def token(granted: Granted) -> str:
    """The Authorization field of a token pair."""
    return f"Authorization: Bearer {granted['access_token']}"
