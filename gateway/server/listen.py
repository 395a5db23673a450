"""Binding the listeners before anything starts: a taken port is found out first."""

import errno
import socket
from typing import Final

from gateway.errors import GatewayError


class ListenError(GatewayError):
    """An address cannot be listened on. `taken` when another program holds it; `hint` says what to do."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        super().__init__(error.strerror)
        self.host = host
        self.port = port
        self.taken = error.errno == errno.EADDRINUSE
        self.why, self.hint = _words(error)


_WORDS: Final = {
    errno.EADDRINUSE: ("is taken by another program", "stop that program, or choose another port"),
    errno.EACCES: ("may not be listened on", "ports below 1024 are kept for root: choose one from 1024 up"),
    errno.EADDRNOTAVAIL: ("is no address of this machine", "write 0.0.0.0 for all of its addresses, or [::]"),
}


def _words(error: OSError) -> tuple[str, str]:
    if isinstance(error, socket.gaierror):
        return "has a name that leads to no address", "write an address, such as 127.0.0.1 or 0.0.0.0"
    unknown = (f"cannot be listened on: {error.strerror}", "choose another address")
    return _WORDS.get(error.errno or 0, unknown)


def bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket (port 0: any free one); ListenError when the address cannot be had.

    SO_REUSEADDR only skips TIME_WAIT; SO_REUSEPORT is not set, or two gateways would share a port unnoticed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ListenError(host, port, error) from None
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


def phase_of(listener: socket.socket, draining: bool) -> str | None:
    """`draining`, `starting` until some worker accepts on the listener, else None.

    A system that cannot tell (getsockopt of SO_ACCEPTCONN is optional in POSIX) counts as accepting.
    """
    if draining:
        return "draining"
    try:
        return None if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) else "starting"
    except OSError as error:
        return None if error.errno == errno.ENOPROTOOPT else "starting"


def address_of(listener: socket.socket) -> str:
    """`host:port` as bound, IPv6 in brackets."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
