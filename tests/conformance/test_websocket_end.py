"""P112: WebSockets are cut when the authority behind them ends, and when the gateway stops."""

import threading
import time
from pathlib import Path

from tests.conformance.stage import PATIENCE, Stage, head, token
from tests.support.raw_upstream import Peer
from tests.support.raw_websocket import (
    CLOSE,
    TEXT,
    RawFrame,
    RawWebSocket,
    accepted,
    close_frame,
    close_of,
    frame,
    read_frame,
)
from tests.support.running_gateway import RunningGateway


def echo(peer: Peer) -> None:
    """Sends back every frame as it came, closes included."""
    accepted(peer)
    while (found := read_frame(peer.reader)) is not None:
        peer.send(frame(found.opcode, found.data, fin=found.fin, mask=False))
        if found.opcode == CLOSE:
            return


def test_p112_a_logout_cuts(stage: Stage) -> None:
    granted = stage.gateway.login("alice@example.com", "password123")
    stage.plays(echo)
    with RawWebSocket(stage.port, stage.path("/", "socket"), token(granted)) as ws:
        ws.send(frame(TEXT, b"here"))
        assert ws.frame() == RawFrame(TEXT, b"here")
        with stage.client() as client:
            assert client.ask(head("POST", "/auth/logout", token(granted), "Content-Length: 0")).status in (200, 204)
        assert (close_of(ws.frame()) or (0,))[0] == 4401


def test_p112_a_stop_cuts(tmp_path: Path, stage: Stage) -> None:
    """Not the token, which may end before: the session is what a WebSocket lives by."""
    route = "  - {name: socket, path: /socket/**, access: authenticated, upstream: echo, websocket: true}\n"
    stage.plays(echo)
    gateway = RunningGateway(tmp_path, upstream=stage.upstream.url, access_ttl="1s", more_routes=route)
    gateway.start()
    try:
        with RawWebSocket(gateway.port, "/socket/x", token(gateway.register())) as ws:
            time.sleep(1.5)
            ws.send(frame(TEXT, b"here"))
            assert ws.frame() == RawFrame(TEXT, b"here")
            stopping = threading.Thread(target=gateway.stop)
            stopping.start()
            assert (close_of(ws.frame()) or (0,))[0] == 1001
            ws.send(close_frame(1001))
            stopping.join(PATIENCE)
        assert gateway.process is not None
        assert gateway.process.returncode == 0
    finally:
        gateway.stop()
        gateway.http.close()
