"""Who is measured: the gateway and its peers, each with one core's worth of processes."""

from benchmarks.ask import wait_for
from benchmarks.bed import PEERS, Bed
from benchmarks.cores import PROXY
from benchmarks.credentials import SECRET
from benchmarks.gateway_server import start_gateway
from benchmarks.install import NODE, need_node, need_program, need_textbook
from benchmarks.peer import Peer
from benchmarks.processes import Process
from tests.support.ports import free_port

Started = tuple[Process, int]


def _gateway(bed: Bed) -> Started:
    server = start_gateway(bed)
    return server.process, server.port


def _haproxy(bed: Bed) -> Started:
    program, port = need_program("haproxy"), free_port()
    config = bed.render("haproxy/haproxy.cfg", port=port, upstream=bed.upstream(), secret=SECRET)
    return _ready(bed.start("haproxy", [program, "-db", "-q", "-f", str(config)], PROXY), port)


def _nginx(bed: Bed) -> Started:
    program, port = need_program("nginx"), free_port()
    config = bed.render("nginx/nginx.conf", port=port, upstream=bed.upstream())
    return _ready(bed.start("nginx", [program, "-c", str(config)], PROXY), port)


def _caddy(bed: Bed) -> Started:
    program, port = need_program("caddy"), free_port()
    config = bed.render("caddy/Caddyfile", port=port, upstream=bed.upstream())
    argv = [program, "run", "--adapter", "caddyfile", "--config", str(config)]
    environ = {"GOMAXPROCS": "1", "XDG_DATA_HOME": str(config.parent), "XDG_CONFIG_HOME": str(config.parent)}
    return _ready(bed.start("caddy", argv, PROXY, environ), port)


def _script(name: str, bed: Bed) -> Started:
    node, port = need_node(), free_port()
    environ = {"PORT": str(port), "UPSTREAM": str(bed.upstream()), "SECRET": SECRET, "NODE_ENV": "production"}
    return _ready(bed.start(name, [node, str(NODE / f"{name}.mjs")], PROXY, environ), port)


def _textbook(client: str, bed: Bed) -> Started:
    python, port = need_textbook(), free_port()
    argv = [python, "-m", "uvicorn", "app:app", "--app-dir", str(PEERS / "textbook"), "--port", str(port)]
    environ = {"UPSTREAM": str(bed.upstream()), "SECRET": SECRET, "CLIENT": client}
    options = ["--no-access-log", "--log-level", "warning", "--backlog", "4096"]
    return _ready(bed.start(f"textbook-{client}", argv + options, PROXY, environ), port)


def _ready(process: Process, port: int) -> Started:
    wait_for(process, port)
    return process, port


LINEUP = (
    Peer("gateway", "**Gateway**, one worker, everything on by default", True, _gateway),
    Peer("haproxy", "HAProxy, one thread, `jwt_verify` + role check", True, _haproxy),
    Peer("nginx", "nginx, one worker, plain proxy", False, _nginx),
    Peer("caddy", "Caddy `reverse_proxy`, GOMAXPROCS=1, plain", False, _caddy),
    Peer("fastify", "Fastify, `@fastify/jwt` + `@fastify/http-proxy`", True, lambda bed: _script("fastify", bed)),
    Peer("express", "Express, `http-proxy-middleware`, plain", False, lambda bed: _script("express", bed)),
    Peer("httpx2", "Starlette + httpx2 + PyJWT, textbook", True, lambda bed: _textbook("httpx2", bed)),
    Peer("httpx", "Starlette + httpx + PyJWT, textbook", True, lambda bed: _textbook("httpx", bed)),
)
