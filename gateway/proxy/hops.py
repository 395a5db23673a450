"""`Max-Forwards`: how far an OPTIONS request may still travel (RFC 9110 section 7.6.2)."""

from gateway.proxy.block import Headers


def hops_left(headers: Headers) -> int | None:
    """The number a client gives; None when it gives none that counts."""
    for name, value in headers:
        if name == b"max-forwards" and value.isdigit():
            return int(value[:9])
    return None


def one_hop_on(headers: Headers) -> Headers:
    """The fields as they travel on."""
    left = hops_left(headers)
    if left is None:
        return headers
    return [(name, b"%d" % (left - 1) if name == b"max-forwards" else value) for name, value in headers]
