"""Loopback ports for the servers of a run."""

import secrets
import socket

# Below Linux's ephemeral range, so that no client connection is ever in the way.
_FIRST, _COUNT = 15_000, 17_000


def free_port() -> int:
    """A TCP port nobody on 127.0.0.1 listens on at the moment."""
    while True:
        port = _FIRST + secrets.randbelow(_COUNT)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
