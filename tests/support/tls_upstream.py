"""A scripted upstream behind TLS."""

import ssl

from tests.support.raw_upstream import Peer, RawUpstream, Script


class TlsUpstream(RawUpstream):
    """A handshake that fails ends the connection unserved. `names` are those that clients asked for (SNI)."""

    def __init__(self, context: ssl.SSLContext, script: Script | None = None) -> None:
        super().__init__(script)
        self.names: list[str | None] = []
        self._context = context
        self._plain_script = self.script
        self.script = self._secured
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def _secured(self, peer: Peer) -> None:
        peer.sock = self._context.wrap_socket(peer.sock, server_side=True)
        peer.reader.sock = peer.sock
        self._plain_script(peer)
