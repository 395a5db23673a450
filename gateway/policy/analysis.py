"""What is wrong with a set of routes: ties, and routes that can never win."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.policy.methods import OPEN_METHODS
from gateway.policy.patterns import HostPattern
from gateway.policy.route import Route
from gateway.policy.tree import Leaf, Node, Tree


@dataclass(frozen=True, slots=True)
class Tie:
    """Two routes with equal claim to some request; `first` is the one written first."""

    first: Route
    second: Route


@dataclass(frozen=True, slots=True)
class Shadow:
    """A route that no request can reach, because `by` (and others like it) takes all of them."""

    route: Route
    by: Route


def find_ties(routes: Sequence[Route]) -> list[Tie]:
    """Routes of the same host and path shape whose methods overlap, or that both take all methods.

    Each later route is reported once, with the first it collides with. Linear in routes times methods.
    """
    taken: dict[tuple[object, ...], Route] = {}
    ties: list[Tie] = []
    for route in routes:
        methods = ("*",) if route.methods is None else sorted(route.methods)
        keys = [(route.host, route.path.shape(), method) for method in methods]
        rival = next((taken[key] for key in keys if key in taken), None)
        if rival is not None:
            ties.append(Tie(rival, route))
        for key in keys:
            taken.setdefault(key, route)
    return ties


def find_shadowed(routes: Sequence[Route]) -> list[Shadow]:
    """Routes that can never win, in the order given; visits each tree node once.

    Literals and parameters leave room for each other however many there are, so only two kinds exist:

    - `/a/**` where `/a`, `/a/` and everything below a further segment (`/a/{x}/**`, or in turn all of its
      parts) have patterns of their own: those are more specific, whatever their methods. A route that allows
      `//` keeps the paths in which that segment is empty;
    - a route for all methods beside routes of the same pattern that list every one of them.
    """
    shadows = {shadow.route: shadow for tree in _trees(routes) for shadow in _shadows_below(tree.root, True)}
    return [shadows[route] for route in routes if route in shadows]


def _trees(routes: Sequence[Route]) -> Iterable[Tree]:
    trees: dict[HostPattern | None, Tree] = {}
    for route in routes:
        trees.setdefault(route.host, Tree()).add(route)
    return trees.values()


def _shadows_below(node: Node, is_root: bool) -> Iterable[Shadow]:
    for leaf in (node.here, node.rest):
        if leaf is not None:
            yield from _shadowed_by_methods(leaf)
    by = _covering(node, is_root) if node.rest is not None else None
    if by is not None and node.rest is not None:
        yield from (Shadow(route, by) for route in node.rest.routes if "//" not in route.allow_in_path)
    for child in (*node.literals.values(), *((node.param,) if node.param else ())):
        yield from _shadows_below(child, False)


def _shadowed_by_methods(leaf: Leaf) -> Iterable[Shadow]:
    if leaf.rest is not None and leaf.listed.keys() >= OPEN_METHODS:
        yield Shadow(leaf.rest, leaf.listed["GET"])


def _covering(node: Node, is_root: bool) -> Route | None:
    """A route below `node` that, with its neighbours, takes every path there; None when some path is left."""
    slash = node.literals.get("")
    ends_are_taken = (is_root or node.here is not None) and slash is not None and slash.here is not None
    if not ends_are_taken or node.param is None:
        return None
    if node.param.rest is not None:
        return node.param.rest.routes[0]
    return _covering(node.param, False)
