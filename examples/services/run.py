"""The command line of the two services: `python -m examples.services.orders --port 8000`."""

import argparse

import uvicorn
from starlette.applications import Starlette


def run(app: Starlette) -> None:
    """Serve `app` on `--host` and `--port` until the process is told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1", help="default: loopback only, because headers are believed")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning", access_log=False)
