"""A second gateway: short deadlines, a trusted proxy on this machine, and upstreams that are not the usual ones."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.stage import PATIENCE, with_upstreams
from tests.support.certificates import self_signed, server_context
from tests.support.raw_client import RawClient
from tests.support.raw_upstream import RawUpstream
from tests.support.running_gateway import RunningGateway
from tests.support.tls_upstream import TlsUpstream

_UPSTREAMS = """\
  based: {{targets: ["{plain}/base/"]}}
  kept: {{targets: ["{plain}"], preserve_host: true}}
  tight: {{targets: ["{slow}"], connections: 2, queue: 2, timeouts: {{connect: 500ms}}}}
  secure: {{targets: ["{secure}"], tls: {{ca: {ca}}}}}
  other-name: {{targets: ["{secure}"], tls: {{ca: {ca}, server_name: other.test}}}}
  unknown-ca: {{targets: ["{secure}"], tls: {{ca: {other_ca}}}}}
  moving: {{targets: ["unix:{socket}"]}}
"""
_ROUTES = """\
  - {name: based, path: /based/**, access: public, upstream: based, strip_prefix: /based}
  - {name: kept, path: /kept/**, access: public, upstream: kept}
  - {name: tight, path: /tight/**, access: public, upstream: tight}
  - {name: secure, path: /secure/**, access: public, upstream: secure}
  - {name: other-name, path: /other-name/**, access: public, upstream: other-name}
  - {name: unknown-ca, path: /unknown-ca/**, access: public, upstream: unknown-ca}
  - {name: moving, path: /moving/**, access: public, upstream: moving}
  - {name: with-token, path: /with-token/**, access: authenticated, upstream: echo, credentials: forward}
  - {name: hosted, path: /hosted/**, host: other.test, access: public, upstream: echo}
"""


@dataclass(frozen=True)
class StrictGateway:
    """`plain`, `slow` and `secure` are upstreams; `socket` is where a test may put another one."""

    gateway: RunningGateway
    plain: RawUpstream
    slow: RawUpstream
    secure: TlsUpstream
    socket: Path

    def client(self) -> RawClient:
        return RawClient(self.gateway.port, timeout=PATIENCE)


@contextlib.contextmanager
def strict_gateway(directory: Path) -> Iterator[StrictGateway]:
    """It believes 127.0.0.1, and gives a head, a body and an idle client one second each."""
    ca, other_ca = self_signed(directory, "localhost"), self_signed(directory, "other.test")
    context = server_context(ca)
    context.set_alpn_protocols(["h2", "http/1.1"])
    socket = directory / "upstream.sock"
    with RawUpstream(timeout=60) as plain, RawUpstream() as slow, TlsUpstream(context) as secure:
        gateway = RunningGateway(
            directory,
            upstream=plain.url,
            trusted="[127.0.0.1/32]",
            timeouts="{header: 1s, body: 1s, idle: 1s}",
            more_routes=_ROUTES,
        )
        urls = {"plain": plain.url, "slow": slow.url, "secure": secure.url}
        with_upstreams(gateway, _UPSTREAMS.format(**urls, ca=ca, other_ca=other_ca, socket=socket))
        try:
            yield StrictGateway(gateway.start(), plain, slow, secure, socket)
        finally:
            gateway.stop()
            gateway.http.close()
