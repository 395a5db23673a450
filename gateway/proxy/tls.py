"""TLS towards upstreams: certificates and names are verified, always."""

import ssl
from typing import Final

H1: Final = "http/1.1"
H2: Final = "h2"


def upstream_context(
    *, protocol: str = H1, ca: str | None = None, cert: str | None = None, key: str | None = None
) -> ssl.SSLContext:
    """`ca`: the file of the authorities to trust instead of the system's; `cert` and `key`: who we are.

    `protocol` is all that ALPN offers (RFC 7301). OSError or ssl.SSLError when a file is not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([protocol])
    if ca is not None:
        context.load_verify_locations(ca)
    else:
        _trust_the_system(context)
    if cert is not None:
        context.load_cert_chain(cert, key, password=_no_password)
    return context


def _trust_the_system(context: ssl.SSLContext) -> None:
    """As `load_default_certs`, but SSL_CERT_FILE and SSL_CERT_DIR in the environment change nothing."""
    paths = ssl.get_default_verify_paths()
    for file, folder in ((paths.openssl_cafile, None), (None, paths.openssl_capath)):
        try:
            context.load_verify_locations(file, folder)
        except OSError:  # A system that has the one may lack the other.
            continue


def _no_password() -> str:
    """In place of OpenSSL's question on the terminal."""
    return ""
