"""Routes and targets in one line each."""

from gateway.policy.access import Access, AccessAuthenticated, AccessPublic, AccessRequires, Owner, Roles
from gateway.policy.patterns import HostPattern, PathPattern
from gateway.policy.roles import RoleGraph
from gateway.policy.route import Route
from gateway.policy.table import Match, Outcome, RouteTable
from gateway.policy.target import Target, read_target
from gateway.principal import Principal

ALL_MARKS = frozenset({"%2F", "%5C", "%3B", "%3F", "%23", "%25", ";", "//"})
AUTHENTICATED = AccessAuthenticated()
PUBLIC = AccessPublic()
ADMIN = AccessRequires(Roles.any_of(["admin"], RoleGraph()))
OWNER = AccessRequires(Owner("id"))


def route(
    path: str,
    *methods: str,
    host: str | None = None,
    access: Access = AUTHENTICATED,
    allow: frozenset[str] = frozenset(),
    name: str | None = None,
) -> Route:
    """A route that is called by its path unless it has a name."""
    return Route(
        name=name or path,
        path=PathPattern.parse(path),
        host=HostPattern.parse(host) if host else None,
        methods=frozenset(methods) if methods else None,
        access=access,
        upstream="echo",
        line=1,
        allow_in_path=allow,
    )


def target(raw: str) -> Target:
    """The target read with a generous limit."""
    return read_target(raw.encode("latin-1"), 100_000)


def find(routes: list[Route], raw: str, method: str = "GET", host: str = "gw.test") -> Outcome:
    """What a table of these routes says to one request."""
    return RouteTable.build(routes).match(method, host, target(raw))


def winner(routes: list[Route], raw: str, method: str = "GET", host: str = "gw.test") -> str:
    """The name of the route that wins, or the class of what came instead."""
    outcome = find(routes, raw, method, host)
    return outcome.route.name if isinstance(outcome, Match) else type(outcome).__name__


def principal(*roles: str, subject: str = "7", scopes: str = "", **claims: object) -> Principal:
    """A caller with these roles, space-separated scopes and claims."""
    return Principal(subject, "gateway", roles, 2_000_000_000, scopes=frozenset(scopes.split()), claims=claims)
