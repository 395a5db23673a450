"""The route table: which route a request belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.policy.readings import other_readings
from gateway.policy.route import Route
from gateway.policy.target import Target
from gateway.policy.tree import Leaf, Tree, matching_order


class Match(NamedTuple):
    """The route and the decoded values of its path parameters."""

    route: Route
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoRoute:
    """No route takes the host and path."""


@dataclass(frozen=True, slots=True)
class MethodNotAllowed:
    """Routes take the path, but not with this method; `allowed` is sorted, for the `Allow` header."""

    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AmbiguousPath:
    """The path carries a mark its route does not allow, or one that leads other parsers to another route."""

    mark: str


Outcome = Match | NoRoute | MethodNotAllowed | AmbiguousPath


class RouteTable:
    """All routes, as a tree per host pattern; a match costs the same however many routes there are.

    The most specific route wins: an exact host over `*.example` (more labels first) over no host, then path
    segment by segment literal over `{param}` over `**`, with a way back out of a literal branch that leads
    nowhere; then a route that lists the method over one that takes all.

    The path decides before the method: when the most specific pattern that matches has no route for the
    method, the answer is `MethodNotAllowed`. A looser pattern never gets the request instead, nor does
    a looser host while any path of the more specific host matches. So a route can only be narrowed, never
    by-passed, by choosing another method.
    """

    def __init__(
        self,
        routes: tuple[Route, ...],
        exact: Mapping[str, Tree],
        wildcards: Mapping[str, Tree],
        anywhere: Tree,
    ) -> None:
        self.routes = routes
        self._exact = exact
        self._wildcards = wildcards
        self._anywhere = anywhere

    @classmethod
    def build(cls, routes: Sequence[Route]) -> "RouteTable":
        """A table of these routes. Where two tie (see `analysis.find_ties`) the one written first wins."""
        ordered = tuple(sorted(routes, key=matching_order))
        exact: dict[str, Tree] = {}
        wildcards: dict[str, Tree] = {}
        anywhere = Tree()
        for route in ordered:
            if route.host is None:
                tree = anywhere
            else:
                tree = (wildcards if route.host.wildcard else exact).setdefault(route.host.name, Tree())
            tree.add(route)
        return cls(ordered, exact, wildcards, anywhere)

    def match(self, method: str, host: str, target: Target) -> Outcome:
        """The route of a request. `host` is as `read_host` gives it; `method` is compared as it stands."""
        leaf = self._leaf(host, target.segments)
        if target.marks:
            return self._match_marked(leaf, method, host, target)
        if leaf is None:
            return NoRoute()
        return leaf_outcome(leaf, method, target.segments)

    def methods(self, host: str, target: Target) -> tuple[str, ...]:
        """The methods that routes take for a host and path, sorted, as `Allow` names them."""
        leaf = self._leaf(host, target.segments)
        return () if leaf is None else leaf.allowed()

    def _leaf(self, host: str, segments: tuple[str, ...]) -> Leaf | None:
        if self._exact:
            tree = self._exact.get(host)
            if tree is not None and (leaf := tree.find(segments)) is not None:
                return leaf
        if self._wildcards and (leaf := self._wildcard_leaf(host, segments)) is not None:
            return leaf
        return self._anywhere.find(segments)

    def _wildcard_leaf(self, host: str, segments: tuple[str, ...]) -> Leaf | None:
        suffix = host
        while suffix:
            suffix = suffix.partition(".")[2]
            tree = self._wildcards.get(suffix)
            if tree is not None and (leaf := tree.find(segments)) is not None:
                return leaf
        return None

    def _match_marked(self, leaf: Leaf | None, method: str, host: str, target: Target) -> Outcome:
        refused = AmbiguousPath(min(target.marks))
        if leaf is None:
            return refused
        outcome = leaf_outcome(leaf, method, target.segments)
        winners = (outcome.route,) if isinstance(outcome, Match) else leaf.routes
        for route in winners:
            if not target.marks <= route.allow_in_path:
                return AmbiguousPath(min(target.marks - route.allow_in_path))
        if isinstance(outcome, Match) and not self._all_agree(outcome, method, host, target):
            return refused
        return outcome

    def _all_agree(self, winner: Match, method: str, host: str, target: Target) -> bool:
        """Whether the same route wins every other reading, with the same values where access depends on them.

        The values matter: `/{tenant}/{id}/**` reads `/t%2Fvictim/me/x` with either `me` or `victim` as id.
        """
        readings = other_readings(target.segments)
        if readings is None:
            return False
        decisive = winner.route.access.reads()
        for segments in readings:
            leaf = self._leaf(host, segments)
            if leaf is None or leaf.route_for(method) is not winner.route:
                return False
            params = winner.route.path.params(segments)
            if any(params.get(name) != winner.params.get(name) for name in decisive):
                return False
        return True


def leaf_outcome(leaf: Leaf, method: str, segments: tuple[str, ...]) -> Match | MethodNotAllowed:
    """What the routes of the pattern that took the path say to the method."""
    route = leaf.route_for(method)
    if route is None:
        return MethodNotAllowed(leaf.allowed())
    return Match(route, route.path.params(segments))
