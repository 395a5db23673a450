"""What a sample service's process runs: `python -m gateway.demo.child FILE FD`.

`FILE` defines `app`; `FD` is a listening socket that the demo opened, so no port is guessed and callers that
come early just wait. Standard input is a lifeline: its other end closes when the demo ends in any way,
SIGKILL included, on every system that has pipes.
"""

import os
import runpy
import socket
import sys
import threading

import uvicorn


def serve(file: str, descriptor: int, lifeline: int) -> None:
    """Serve the app of `file` on the inherited socket until `lifeline` reads end-of-file."""
    config = uvicorn.Config(
        runpy.run_path(file)["app"], log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_stop_at_end, args=(lifeline, server), daemon=True).start()
    server.run(sockets=[socket.socket(fileno=descriptor)])


def _stop_at_end(lifeline: int, server: uvicorn.Server) -> None:
    while os.read(lifeline, 64):
        pass
    server.should_exit = True


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), lifeline=0)
