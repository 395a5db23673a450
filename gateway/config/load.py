"""From a file to settings: every step reports into one list, and all of it is shown at once."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from gateway.config.checks import check_together
from gateway.config.conflicts import report_conflicts
from gateway.config.data import read_source
from gateway.config.document import Document
from gateway.config.password_checks import check_passwords
from gateway.config.pending import refuse_pending
from gateway.config.problems import errors_among, in_order
from gateway.config.reading import file_name, read_config_bytes
from gateway.config.roles import build_roles
from gateway.config.routes import RouteReader
from gateway.config.secret_files import fill_from_files
from gateway.config.sections import Parts, read_sections
from gateway.config.settings import Loaded, Settings
from gateway.config.tls_files import place_tls_files
from gateway.errors import ConfigError
from gateway.policy.roles import RoleGraph
from gateway.policy.route import Route
from gateway.policy.table import RouteTable


def load_config(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Settings from a file; ConfigError with every problem at once. Reads files, never the network."""
    return load_text(read_config_bytes(path), file_name(path), environ, path.parent)


def load_text(raw: bytes | str, name: str, environ: Mapping[str, str], folder: Path) -> Loaded:
    """As `load_config` for text at hand; `name` stands in the problems, `*_file` paths start at `folder`."""
    source = read_source(raw, name, environ)
    fill_from_files(source, folder)
    place_tls_files(source, folder)
    refuse_pending(source)
    parts = read_sections(source)
    check_together(source, parts)
    check_passwords(source, parts["accounts"])
    roles = build_roles(source, parts["roles"])
    built = RouteReader(source, roles, parts["upstreams"] or {}, parts["cors"]).read_all(parts["routes"] or ())
    report_conflicts(source, built)
    problems = in_order(source.problems)
    if errors_among(problems):
        raise ConfigError(problems)
    settings = _settings(parts, roles, [route for route, _ in built])
    return Loaded(settings, problems, Document.model_construct(**parts), source)


def _settings(parts: Parts, roles: RoleGraph, routes: list[Route]) -> Settings:
    return Settings(
        server=parts["server"],
        tokens=parts["tokens"],
        sessions=parts["sessions"],
        accounts=parts["accounts"],
        issuers=parts["issuers"],
        roles=roles,
        cors=parts["cors"],
        upstreams=MappingProxyType(parts["upstreams"]),
        table=RouteTable.build(routes),
        tests=parts["tests"],
    )
