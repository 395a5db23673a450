"""Who is calling: a principal with roles and session, or nobody, with the reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.reasons import Reason


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose token was verified. `expires_at` is in seconds since the epoch.

    `claims` is the verified payload, for `claims:` policies; `roles` are as granted, before inclusion.
    `derived` holds what others have worked out from this principal, so that they do it once for each token.
    """

    subject: str
    issuer: str
    roles: tuple[str, ...]
    expires_at: int
    session_id: str | None = None
    token_id: str | None = None
    email: str | None = None
    display_name: str | None = None
    scopes: frozenset[str] = frozenset()
    claims: Mapping[str, Any] = field(default_factory=dict)
    derived: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def with_role(self, role: str) -> "Principal":
        """The same caller with the role in force now: it overlays the claim, for `claims:` policies too."""
        known: Principal | None = self.derived.get(role)
        if known is None:
            claims = {**self.claims, "role": role} if "role" in self.claims else self.claims
            known = self.derived[role] = replace(self, roles=(role,), claims=claims)
        return known


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No usable identity: `TOKEN_MISSING` when nothing was sent, else what was wrong with the token."""

    reason: Reason = Reason.TOKEN_MISSING


Authentication = Principal | Anonymous
