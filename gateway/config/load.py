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
from gateway.config.secret_files import SIGNING_SECRET, fill_from_files, stand_in_for_the_secret
from gateway.config.sections import Parts, read_sections
from gateway.config.settings import Loaded, Settings
from gateway.config.tls_files import place_tls_files
from gateway.errors import ConfigError
from gateway.policy.roles import RoleGraph
from gateway.policy.route import Route
from gateway.policy.table import RouteTable


def load_config(path: Path, environ: Mapping[str, str], *, signs: bool = True) -> Loaded:
    """Settings from a file; ConfigError with every problem at once. Reads files, never the network.

    Who signs no tokens (`signs` false) needs no signing secret: it is not looked at, and one that signs nothing
    valid stands in for it.
    """
    return load_text(read_config_bytes(path), file_name(path), environ, path.parent, signs=signs)


def load_text(raw: bytes | str, name: str, environ: Mapping[str, str], folder: Path, *, signs: bool = True) -> Loaded:
    """As `load_config` for text at hand; `name` stands in the problems, relative paths start at `folder`."""
    source = read_source(raw, name, environ, unread=() if signs else (SIGNING_SECRET,))
    if not signs:
        stand_in_for_the_secret(source)
    fill_from_files(source, folder)
    place_tls_files(source, folder)
    refuse_pending(source)
    parts = place_stores(read_sections(source), folder)
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


def place_stores(parts: Parts, folder: Path) -> Parts:
    """Let relative SQLite paths start at `folder`, wherever the gateway is started from."""
    placed = dict(parts)
    for section, key in (("sessions", "store"), ("accounts", "database")):
        model = parts[section]
        if model is not None:
            placed[section] = model.model_copy(update={key: getattr(model, key).within(folder)})
    return placed


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
