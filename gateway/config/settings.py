"""What a sound configuration becomes."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.config.document import Document
from gateway.config.models_accounts import AccountSettings
from gateway.config.models_other import CorsSettings, PolicyTest
from gateway.config.models_server import ServerSettings
from gateway.config.models_sessions import SessionSettings
from gateway.config.models_tokens import IssuerSettings, TokenSettings
from gateway.config.models_upstreams import UpstreamSettings
from gateway.config.problems import Problem
from gateway.config.source import Source
from gateway.policy.roles import RoleGraph
from gateway.policy.table import RouteTable


@dataclass(frozen=True, slots=True)
class Settings:
    """Attributes are named as the keys of the file; durations in seconds, sizes in bytes."""

    server: ServerSettings
    tokens: TokenSettings
    sessions: SessionSettings
    accounts: AccountSettings
    issuers: tuple[IssuerSettings, ...]
    roles: RoleGraph
    cors: CorsSettings
    upstreams: Mapping[str, UpstreamSettings]
    table: RouteTable
    tests: tuple[PolicyTest, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, what looked like a mistake, and for reports the file's sections and where they stand."""

    settings: Settings
    warnings: tuple[Problem, ...]
    document: Document
    source: Source
