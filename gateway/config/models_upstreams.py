"""`upstreams:` the services behind the gateway."""

from typing import Annotated, Literal

from gateway.config.fields import (
    Duration,
    Flag,
    OneOf,
    OptionalText,
    Section,
    TargetUrl,
    Text,
    required,
    setting,
    whole,
)


class UpstreamTimeouts(Section):
    """How long the gateway waits for the service."""

    connect: Duration = setting("2s", "For a connection.")
    response: Duration = setting("30s", "For the first byte of an answer.")
    idle: Duration = setting("60s", "Between two parts of an answer.")


class HealthSettings(Section):
    """Asks each target regularly whether it is well."""

    path: Text = required("The path that is asked for; 2xx is well.")
    interval: Duration = setting("5s", "How often.")


class UpstreamTls(Section):
    """How the gateway proves itself to the service, and the service to the gateway."""

    ca: OptionalText = setting(None, "A file with the authorities to trust, instead of the system's.")
    cert: OptionalText = setting(None, "A file with the gateway's own certificate.")
    key: OptionalText = setting(None, "A file with the key of that certificate.")
    server_name: OptionalText = setting(None, "The name the service's certificate must carry.")


class EjectSettings(Section):
    """Leaves a failing target alone for a while."""

    failures: Annotated[int, whole(1)] = required("How many failures in a row.")
    for_: Duration = setting("30s", "For how long.", alias="for")


class UpstreamSettings(Section):
    """A service behind the gateway."""

    targets: tuple[TargetUrl, ...] = required("The URLs of the service, http:// or https://.")
    balance: Annotated[Literal["least-connections", "round-robin"], OneOf()] = setting(
        "least-connections", "How requests are spread over several targets."
    )
    timeouts: UpstreamTimeouts = setting({}, "How long the gateway waits for the service.")
    connections: Annotated[int, whole(1, 65535)] = setting(256, "How many connections there may be at a time.")
    retries: Annotated[int, whole(0, 10)] = setting(
        0, "How often a request that can be sent again is tried on another target."
    )
    health: HealthSettings | None = setting(None, "Asks each target regularly whether it is well.")
    preserve_host: Flag = setting(False, "Whether the service sees the client's Host instead of its own.")
    protocol: Annotated[Literal["http1", "h2"], OneOf()] = setting("http1", "What the service speaks.")
    tls: UpstreamTls | None = setting(None, "Certificates for https targets.")
    queue: Annotated[int, whole(0)] = setting(0, "How many requests may wait for a connection.")
    eject: EjectSettings | None = setting(None, "Leaves a failing target alone for a while.")
