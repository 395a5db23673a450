"""`tokens:` the gateway's own tokens; `issuers:` those of others."""

from typing import Annotated, Literal

from gateway.config.fields import (
    GivenText,
    Name,
    OneOf,
    OptionalText,
    Seconds,
    Section,
    SigningSecret,
    Text,
    required,
    setting,
)


class TokenSettings(Section):
    """The gateway's own tokens."""

    issuer: Text = setting("gateway", "The `iss` claim.")
    algorithm: Annotated[Literal["HS256", "EdDSA", "ES256", "RS256"], OneOf()] = setting(
        "HS256", "How access tokens are signed; all but HS256 need `keys`."
    )
    secret: SigningSecret = setting(
        None,
        "Needed, here or in `secret_file`: the HS256 key, at least 32 bytes in base64; who shares it can verify.",
    )
    secret_file: OptionalText = setting(None, "A file that holds the secret, instead of `secret`.")
    keys: tuple[Text, ...] = setting([], "Files with the signing keys of the other algorithms.")
    assertion_key_file: OptionalText = setting(None, "The Ed25519 key that signs identity assertions for upstreams.")
    audience: GivenText = setting(None, "The `aud` claim; set and checked only when given.")
    access_ttl: Seconds = setting("30m", "How long an access token is valid.")
    refresh_ttl: Seconds = setting("7d", "How long a session lives at most, from login.")
    idle_ttl: Seconds = setting("7d", "How long a session lives without a refresh.")


class IssuerSettings(Section):
    """Another token issuer whose access tokens are accepted."""

    name: Name | None = setting(None, "What `access: {issuer: …}` calls it; by default the issuer itself.")
    issuer: Text = required("The `iss` claim of its tokens.")
    jwks: Text = required("The URL of its public keys.")
    algorithms: tuple[Annotated[Literal["EdDSA", "ES256", "RS256"], OneOf()], ...] = setting(
        ["RS256"], "The algorithms that are accepted."
    )
    audience: GivenText = setting(None, "The `aud` claim that is asked for.")
    roles_claim: OptionalText = setting(None, "Where its tokens keep roles; dots reach into objects.")
