"""`sessions:` where sessions are kept, how refresh tokens rotate, and how revocation spreads."""

from typing import Annotated, Literal

from gateway.config.fields import Flag, OneOf, OptionalText, Section, SessionUrl, duration, setting, whole


class RevocationSettings(Section):
    """How far a worker may lag behind revocations."""

    max_staleness: Annotated[float, duration(1, 3600)] = setting(
        "30s", "How old a worker's knowledge of revocations may get."
    )
    when_stale: Annotated[Literal["deny", "allow"], OneOf()] = setting(
        "deny", "What happens beyond that: answer 503, or go on."
    )


class CookieSettings(Section):
    """Tokens in cookies, for browsers without a client library."""

    enabled: Flag = setting(False, "Whether tokens are also kept in cookies.")
    same_site: Annotated[Literal["lax", "strict"], OneOf()] = setting(
        "lax", "The SameSite attribute of the access cookie."
    )


class SessionSettings(Section):
    """Where sessions are kept, and how refresh tokens rotate."""

    store: SessionUrl = setting(
        "sqlite:///data/gateway.db", "The session store: a redis, rediss, sqlite or postgresql URL."
    )
    store_file: OptionalText = setting(None, "A file that holds the URL, instead of `store`.")
    refresh_grace: Annotated[float, duration(0, 300, whole_seconds=True)] = setting(
        "10s", "How long a refresh token that was just used still gets the same answer."
    )
    max_per_user: Annotated[int, whole(1, 1000)] = setting(
        10, "How many sessions a user may have; the least recently used goes."
    )
    revocation: RevocationSettings = setting({}, "How far a worker may lag behind revocations.")
    cookies: CookieSettings = setting({}, "Tokens in cookies, for browsers without a client library.")
