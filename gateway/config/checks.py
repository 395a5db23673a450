"""What only shows when two keys are seen together."""

import importlib.util
import ipaddress
from typing import Final

from gateway.config.labels import label
from gateway.config.models_accounts import AccountSettings
from gateway.config.models_other import CorsSettings
from gateway.config.models_routes import RouteSettings
from gateway.config.models_server import ServerSettings
from gateway.config.models_tokens import TokenSettings
from gateway.config.origins import ANYONE
from gateway.config.sections import Parts
from gateway.config.source import Path, Source
from gateway.config.store_url import StoreUrl
from gateway.config.units import format_duration
from gateway.config.upstream_checks import check_upstream

_LAST_DATABASE: Final = 15


def check_together(source: Source, parts: Parts) -> None:
    """Report what is wrong between keys, in the sections that are sound by themselves."""
    if parts["server"] is not None:
        _check_server(source, parts["server"])
    if parts["tokens"] is not None:
        _check_tokens(source, parts["tokens"])
    if parts["sessions"] is not None:
        _check_store(source, ("sessions", "store"), parts["sessions"].store)
    if parts["accounts"] is not None:
        _check_store(source, ("accounts", "database"), parts["accounts"].database)
        _check_accounts(source, parts["accounts"])
    if parts["cors"] is not None:
        _check_cors(source, ("cors",), parts["cors"])
    for index, route in enumerate(parts["routes"] or ()):
        if route is not None:
            _check_route(source, ("routes", index), route)
    for name, upstream in (parts["upstreams"] or {}).items():
        if upstream is not None:
            check_upstream(source, name, upstream)
    if source.at(("routes",)) == []:
        source.warn(("routes",), "there are no routes: every request but those to /auth is refused")


def _check_server(source: Source, server: ServerSettings) -> None:
    if server.listen == server.management and server.listen.port:
        message = "server.management is the same address as server.listen"
        source.error(("server", "management"), message, "health and metrics never belong on the public listener")
    if server.http2 and importlib.util.find_spec("zttp") is None:
        message = "server.http2 needs the package zttp, which is not installed"
        source.error(("server", "http2"), message, "install it with: pip install 'gateway[http2]'")
    for index, network in enumerate(server.trusted_proxies):
        if network.prefixlen == 0:
            anyone = "anyone may then say which address a request comes from"
            source.warn(("server", "trusted_proxies", index), f"server.trusted_proxies: {anyone}", "name your proxies")
        elif network.is_multicast or network.network_address == ipaddress.ip_address("255.255.255.255"):
            source.warn(("server", "trusted_proxies", index), "server.trusted_proxies: no proxy has such an address")


def _check_store(source: Source, path: Path, url: StoreUrl) -> None:
    if url.scheme == "postgresql" and importlib.util.find_spec("asyncpg") is None:
        message = f"{label(source, path)}: PostgreSQL needs the package asyncpg, which is not installed"
        source.error(path, message, "install it with: pip install 'gateway[postgres]'")
    if url.scheme in ("redis", "rediss") and (url.database or 0) > _LAST_DATABASE:
        message = f"{label(source, path)}: Redis has the databases 0 to {_LAST_DATABASE}, unless it is told otherwise"
        source.warn(path, message)


def _check_tokens(source: Source, tokens: TokenSettings) -> None:
    for key in ("access_ttl", "idle_ttl"):
        if getattr(tokens, key) > tokens.refresh_ttl and source.at(("tokens", key)) is not None:
            whole = format_duration(tokens.refresh_ttl)
            message = f"tokens.{key} is longer than tokens.refresh_ttl ({whole}), which ends the session before"
            source.warn(("tokens", key), message)


def _check_accounts(source: Source, accounts: AccountSettings) -> None:
    admin = accounts.bootstrap_admin
    place = ("accounts", "bootstrap_admin")
    if (admin.email is None) != (admin.password is None):
        lacking = "password" if admin.password is None else "email"
        message = f"accounts.bootstrap_admin: `{lacking}` is missing"
        source.error((*place, lacking), message, "give both email and password, or neither")
    least = accounts.password.min_length
    if admin.password is not None and len(admin.password.reveal().decode()) < least:
        message = f"accounts.bootstrap_admin: the password has fewer than {least} characters"
        source.error((*place, "password"), message, "accounts.password.min_length says how many are needed")


def _check_route(source: Source, path: Path, route: RouteSettings) -> None:
    if route.cors is not None:
        _check_cors(source, (*path, "cors"), route.cors)
    limit = route.rate_limit
    if limit is not None and limit.per == "user" and route.access == "public":
        nobody = "nobody is known on a public route, so addresses are counted"
        source.warn((*path, "rate_limit"), f"{label(source, path)}: {nobody}", "write per: ip, or per: route")


def _check_cors(source: Source, path: Path, cors: CorsSettings) -> None:
    about = label(source, path)
    if ANYONE not in cors.origins:
        return
    if len(cors.origins) > 1:
        source.error((*path, "origins"), f"{about}: `*` stands for everyone, so it stands alone")
    if cors.credentials:
        message = f"{about}: any page could act for whoever visits it: credentials are never for everyone"
        source.error((*path, "credentials"), message, "name the origins instead of `*`")
