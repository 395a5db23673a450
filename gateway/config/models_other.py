"""`cors:` what pages of other origins may do; `tests:` requests and what is expected of them."""

from gateway.config.fields import Flag, Leaves, Section, Text, required, setting


class CorsSettings(Section):
    """What pages of other origins may do."""

    origins: tuple[Text, ...] = setting([], "The origins that are allowed.")
    credentials: Flag = setting(False, "Whether they may send cookies.")


class PolicyTest(Section):
    """A request and what is expected of it."""

    request: Text = required("Method and URL, such as GET /api/orders/7.")
    expect: Text = required("`allow ROUTE`, or `deny REASON`.")
    as_: Leaves = setting(None, "The caller: roles, scopes, claims; by default nobody.", alias="as")
