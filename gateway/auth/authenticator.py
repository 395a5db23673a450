"""From credentials to identity: token, then revocations, then the role in force."""

from typing import Final, Protocol

from gateway.auth.bearer import mentions_token, read_bearer, read_offered
from gateway.context import GatewayContext
from gateway.errors import Refusal, TokenRefused
from gateway.principal import Anonymous, Authentication, Principal
from gateway.reasons import Reason
from gateway.sessions.revocation import RevocationView
from gateway.sessions.store import SessionStore


class Verifier(Protocol):
    """Verifies access tokens (`tokens.access.AccessTokens`)."""

    def verify(self, token: bytes) -> Principal:
        """The principal, or TokenRefused."""
        ...

    def expired(self, principal: Principal) -> bool:
        """Whether the token that the principal was verified from has expired since."""
        ...


_NOBODY: Final = Anonymous()


class TokenAuthenticator:
    """The hot path of authentication: no round trip unless a route asks for one.

    `deny_when_stale`: what to do when revocations have not been heard of for longer than the bound.
    """

    def __init__(
        self,
        *,
        verifier: Verifier,
        revocations: RevocationView,
        store: SessionStore,
        deny_when_stale: bool,
    ) -> None:
        self.verifier = verifier
        self.revocations = revocations
        self.store = store
        self.deny_when_stale = deny_when_stale

    def authenticate(self, context: GatewayContext) -> Authentication:
        """Never answers by itself, except that ambiguity (400) and staleness (503) are refused here."""
        query = context.target.query if context.target is not None else None
        reading, offer = context.reading, context.offer
        if offer is not None:
            found: Authentication = self._verify(read_offered(read_bearer(context.headers, query), offer))
        elif reading is None or (query is not None and mentions_token(query)):
            found = self._verify(read_bearer(context.headers, query))
        else:
            known: Principal | None = reading.derived.get(self)
            found = known or self._verify(read_bearer(context.headers, None))
            if isinstance(found, Principal):
                reading.derived[self] = found
        return self._in_force(found) if isinstance(found, Principal) else found

    def _verify(self, token: bytes | Anonymous) -> Authentication:
        if isinstance(token, Anonymous):
            return token
        try:
            return self.verifier.verify(token)
        except TokenRefused as refused:
            return Anonymous(refused.reason)

    def nobody(self, context: GatewayContext) -> Anonymous:
        """No identity, on routes that ask for none: tokens are not looked at, but still not taken from a query."""
        query = context.target.query if context.target is not None else None
        if query is not None and mentions_token(query):
            found = read_bearer(context.headers, query)
            raise Refusal(found.reason if isinstance(found, Anonymous) else Reason.HEADER_AMBIGUOUS)
        return _NOBODY

    async def confirm(self, authentication: Authentication) -> Authentication:
        """Ask the store whether the session still lives; the store's failure is a 503, never a pass."""
        if isinstance(authentication, Anonymous) or authentication.session_id is None:
            return authentication
        if await self.store.is_live(authentication.subject, authentication.session_id):
            return authentication
        return Anonymous(Reason.TOKEN_REVOKED)

    def _in_force(self, principal: Principal) -> Authentication:
        view = self.revocations
        if self.verifier.expired(principal):
            return Anonymous(Reason.TOKEN_EXPIRED)
        if self.deny_when_stale and view.stale():
            raise Refusal(Reason.REVOCATION_STALE, retry_after=1)
        if principal.session_id is not None and view.session_ended(principal.session_id):
            return Anonymous(Reason.TOKEN_REVOKED)
        if view.disabled(principal.subject):
            return Anonymous(Reason.TOKEN_REVOKED)
        role = view.role_in_force(principal.subject)
        if role is not None and principal.roles != (role,):
            return principal.with_role(role)
        return principal
