"""Certificates for upstreams: files that are there, hold what they should, and fit together."""

import ssl
from pathlib import Path as FilePath
from typing import Final

from gateway.config.models_upstreams import UpstreamTls
from gateway.config.scalars import Expanded
from gateway.config.source import Path, Source

_KEYS: Final = ("ca", "cert", "key")
_RELATIVE: Final = "relative paths start at the config file"


def place_tls_files(source: Source, folder: FilePath) -> None:
    """Let relative paths under `upstreams.*.tls` start at `folder`."""
    upstreams = source.at(("upstreams",))
    for name in upstreams if isinstance(upstreams, dict) else ():
        tls = source.at(("upstreams", name, "tls"))
        if isinstance(tls, dict):
            tls.update({key: _placed(tls[key], folder) for key in _KEYS if tls.get(key)})


def _placed(named: object, folder: FilePath) -> object:
    if not isinstance(named, str):
        return named
    variables = named.names if isinstance(named, Expanded) else ()
    return Expanded(str(folder.absolute() / named), variables)


def check_tls_files(source: Source, path: Path, about: str, tls: UpstreamTls) -> None:
    """Report what OpenSSL would stumble over once a connection is made."""
    if (tls.cert is None) != (tls.key is None):
        lacking = "cert" if tls.cert is None else "key"
        source.error(path, f"{about}: `{lacking}` is missing", "give both cert and key, or neither")
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.ca is not None and _readable(source, path, about, "ca", tls.ca):
        try:
            context.load_verify_locations(tls.ca)
        except OSError:  # ssl.SSLError is one.
            source.error((*path, "ca"), f"{about}: the file named by `ca` holds no certificate in PEM form")
    if tls.cert is None or tls.key is None:
        return
    if all([_readable(source, path, about, "cert", tls.cert), _readable(source, path, about, "key", tls.key)]):
        try:
            context.load_cert_chain(tls.cert, tls.key, password=lambda: "")
        except OSError:
            message = f"{about}: `cert` and `key` are not a certificate and its key, unencrypted, in PEM form"
            source.error((*path, "cert"), message)


def _readable(source: Source, path: Path, about: str, key: str, file: str) -> bool:
    try:
        with FilePath(file).open("rb") as stream:
            stream.read(1)
    except (OSError, ValueError) as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be read"
        source.error((*path, key), f"{about}: the file named by `{key}` {why}", _RELATIVE)
        return False
    return True
