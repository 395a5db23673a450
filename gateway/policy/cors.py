"""Which pages of other origins may read answers (the CORS protocol of the Fetch standard)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CorsPolicy:
    """`origins` are serialised as browsers do: scheme://host[:port] in lower case, no default port.

    `anyone`: every origin but the opaque one, `null`, which any sandboxed page has; never with `credentials`.
    """

    origins: frozenset[bytes]
    anyone: bool = False
    credentials: bool = False

    def answer_to(self, origin: bytes) -> bytes | None:
        """The `Access-Control-Allow-Origin` for a request's `Origin`; None when it is not allowed."""
        if self.anyone and origin != b"null":
            return b"*"
        return origin if origin in self.origins else None
