"""`upstreams:` the services behind the gateway."""

import re
from typing import Annotated, Final, Literal

from gateway.config.fields import (
    Duration,
    Flag,
    GivenText,
    OneOf,
    Reader,
    Section,
    TargetUrl,
    duration,
    required,
    setting,
    whole,
)
from gateway.config.scalars import shown, unfit

_PLAIN_TARGET: Final = re.compile(r"/[!-\"$-~]*")


def _read_health_path(value: object) -> str:
    if not isinstance(value, str) or not _PLAIN_TARGET.fullmatch(value):
        raise unfit(f"{shown(value)} is not a path", "write a path such as /health")
    return value


HealthPath = Annotated[str, Reader(_read_health_path, {"type": "string"}, str, "path")]


class UpstreamTimeouts(Section):
    """How long the gateway waits for the service."""

    connect: Duration = setting("2s", "For a connection, and before that for one that may be made.")
    response: Duration = setting("30s", "For the first byte of an answer.")
    idle: Duration = setting("60s", "Between two parts of an answer.")


class HealthSettings(Section):
    """Asks each target regularly whether it is well."""

    path: HealthPath = required("The path that is asked for; 2xx and 3xx are well, two failures in a row are not.")
    interval: Annotated[float, duration(0.1)] = setting("5s", "How often.")


class UpstreamTls(Section):
    """How the gateway proves itself to the service, and the service to the gateway."""

    ca: GivenText = setting(None, "A file with the authorities to trust, instead of the system's.")
    cert: GivenText = setting(None, "A file with the gateway's own certificate.")
    key: GivenText = setting(None, "A file with the key of that certificate.")
    server_name: GivenText = setting(None, "The name the service's certificate must carry.")


class EjectSettings(Section):
    """Leaves a failing target alone for a while, then tries it with one request."""

    failures: Annotated[int, whole(1)] = required("How many times in a row it gave no valid answer.")
    for_: Annotated[float, duration(0.1)] = setting(
        "30s", "For how long; twice as long each time that the one request fails too, up to eight times.", alias="for"
    )


class UpstreamSettings(Section):
    """A service behind the gateway."""

    targets: tuple[TargetUrl, ...] = required("The URLs of the service: http://, https:// or unix:/path/to.sock.")
    balance: Annotated[Literal["least-connections", "round-robin"], OneOf()] = setting(
        "least-connections", "How requests are spread over several targets."
    )
    timeouts: UpstreamTimeouts = setting({}, "How long the gateway waits for the service.")
    connections: Annotated[int, whole(1, 65535)] = setting(
        256, "How many requests it is sent at a time, all targets together."
    )
    retries: Annotated[int, whole(0, 10)] = setting(
        0, "How often a request that got no byte of an answer is sent again, to another target if there is one."
    )
    health: HealthSettings | None = setting(None, "Asks each target regularly whether it is well.")
    preserve_host: Flag = setting(False, "Whether the service sees the client's Host instead of its own.")
    protocol: Annotated[Literal["http1", "h2"], OneOf()] = setting("http1", "What the service speaks.")
    tls: UpstreamTls | None = setting(None, "Certificates for https targets.")
    queue: Annotated[int, whole(0)] = setting(1024, "How many requests may wait, for as long as `timeouts.connect`.")
    eject: EjectSettings | None = setting(None, "Leaves a failing target alone for a while.")
