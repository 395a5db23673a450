"""The whole file as one model: for the JSON Schema, the reference, and what is in force."""

from typing import Final

from gateway.config.fields import Section, required, setting
from gateway.config.models_accounts import AccountSettings, RoleSettings
from gateway.config.models_other import CorsSettings, PolicyTest
from gateway.config.models_routes import RouteSettings
from gateway.config.models_server import ServerSettings
from gateway.config.models_sessions import SessionSettings
from gateway.config.models_tokens import IssuerSettings, TokenSettings
from gateway.config.models_upstreams import UpstreamSettings

DEFAULT_ROLES: Final[dict[str, dict[str, list[str]]]] = {"admin": {"includes": ["user"]}, "user": {}}


class Document(Section):
    """A configuration file."""

    server: ServerSettings = setting({}, "Where the gateway listens, and what it takes from clients.")
    tokens: TokenSettings = required("The gateway's own tokens.")
    sessions: SessionSettings = setting({}, "Where sessions are kept, and how refresh tokens rotate.")
    accounts: AccountSettings = setting({}, "Users, passwords and registration.")
    issuers: tuple[IssuerSettings, ...] = setting([], "Other token issuers whose access tokens are accepted.")
    roles: dict[str, RoleSettings] = setting(
        DEFAULT_ROLES, "The roles; admin (which includes user) and user are there also when not listed."
    )
    cors: CorsSettings = setting({}, "What pages of other origins may do.")
    upstreams: dict[str, UpstreamSettings] = required("The services behind the gateway, by name.")
    routes: tuple[RouteSettings, ...] = required("Which requests go where, and who may send them.")
    tests: tuple[PolicyTest, ...] = setting([], "Requests and what is expected of them, for `gateway test`.")
