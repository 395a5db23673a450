"""`cors:` what pages of other origins may do; `tests:` requests and what is expected of them."""

from gateway.config.fields import Flag, Leaves, Origins, Section, Text, required, setting
from gateway.config.origins import ANYONE
from gateway.policy.cors import CorsPolicy


class CorsSettings(Section):
    """What pages of other origins may do."""

    origins: Origins = setting(
        [], "Whose pages may read answers: `https://app.example` …, or `*` alone. With none, upstreams decide."
    )
    credentials: Flag = setting(False, "Whether those pages may send cookies.")

    @property
    def policy(self) -> CorsPolicy | None:
        """None without origins: then the gateway takes no part in CORS."""
        if not self.origins:
            return None
        listed = frozenset(origin.encode() for origin in self.origins if origin != ANYONE)
        return CorsPolicy(listed, anyone=ANYONE in self.origins, credentials=self.credentials)


class PolicyTest(Section):
    """A request and what is expected of it."""

    request: Text = required("Method and URL, such as GET /api/orders/7.")
    expect: Text = required("`allow ROUTE`, or `deny REASON`.")
    as_: Leaves = setting(None, "The caller: roles, scopes, claims; by default nobody.", alias="as")
