"""What only shows when several keys of one upstream are seen together."""

import importlib.util

from gateway.config.models_upstreams import UpstreamSettings
from gateway.config.source import Source
from gateway.config.tls_files import check_tls_files


def check_upstream(source: Source, name: str, upstream: UpstreamSettings) -> None:
    """Report what is wrong with an upstream whose keys are sound by themselves."""
    path, about = ("upstreams", name), f'upstream "{name}"'
    if not upstream.targets:
        source.error((*path, "targets"), f"{about}: there is no target", "such as http://host:8000")
    if len({target.base for target in upstream.targets}) > 1:
        message = f"{about}: all targets must have the same path"
        source.error((*path, "targets"), message, "a request is the same for whichever target gets it")
    if len(set(upstream.targets)) < len(upstream.targets):
        source.warn((*path, "targets"), f"{about}: a target is named twice, and gets twice the share")
    if upstream.protocol == "h2" and importlib.util.find_spec("h2") is None:
        message = f"{about}: protocol: h2 needs a library that is not installed"
        source.error((*path, "protocol"), message, 'pip install "gateway[http2]"')
    if upstream.tls is not None:
        if all(target.scheme != "https" for target in upstream.targets):
            source.error((*path, "tls"), f"{about}: tls is for https targets, and there is none")
        check_tls_files(source, (*path, "tls"), f"{about}: tls", upstream.tls)
