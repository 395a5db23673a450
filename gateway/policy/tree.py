"""The path patterns of one host as a tree of segments."""

from dataclasses import dataclass, field

from gateway.policy.methods import COMMON_METHODS, NEVER_ROUTED, OPEN_METHODS
from gateway.policy.patterns import HostPattern, Param
from gateway.policy.route import Route


@dataclass(slots=True)
class Leaf:
    """The routes of one path pattern, by method."""

    listed: dict[str, Route] = field(default_factory=dict)
    rest: Route | None = None
    routes: tuple[Route, ...] = ()

    def add(self, route: Route) -> None:
        """Take in a route; of two that tie the first stays."""
        self.routes = (*self.routes, route)
        if route.methods is None:
            self.rest = self.rest or route
            return
        for method in route.methods - NEVER_ROUTED:
            self.listed.setdefault(method, route)

    def route_for(self, method: str) -> Route | None:
        """The route that takes the method. HEAD is a method of its own, not implied by GET."""
        route = self.listed.get(method)
        if route is None and method in OPEN_METHODS:
            return self.rest
        return route

    def allowed(self) -> tuple[str, ...]:
        """The methods to name in `Allow`, sorted."""
        return tuple(sorted({*self.listed, *(COMMON_METHODS if self.rest else ())}))


@dataclass(slots=True)
class Node:
    """What follows the segments that lead here: `here` takes the path that ends, `rest` any that goes on."""

    literals: dict[str, "Node"] = field(default_factory=dict)
    param: "Node | None" = None
    here: Leaf | None = None
    rest: Leaf | None = None


class Tree:
    """Finds the most specific pattern in steps bounded by the depth of the patterns, not by their number."""

    __slots__ = ("root",)

    def __init__(self) -> None:
        self.root = Node()

    def add(self, route: Route) -> None:
        """Take in a route under its path pattern."""
        node = self.root
        for part in route.path.parts:
            node = _descend(node, part)
        if route.path.rest:
            node.rest = node.rest or Leaf()
            node.rest.add(route)
        else:
            node.here = node.here or Leaf()
            node.here.add(route)

    def find(self, segments: tuple[str, ...]) -> Leaf | None:
        """The leaf of the most specific pattern that takes these segments."""
        return _find(self.root, segments, 0)


def matching_order(route: Route) -> tuple[object, ...]:
    """Sorts routes so that of two that take the same request the winner comes first."""
    host = HostPattern.ANY_ORDER if route.host is None else route.host.order()
    return (host, route.path.shape(), route.methods is None)


def _descend(node: Node, part: str | Param) -> Node:
    if isinstance(part, str):
        return node.literals.setdefault(part, Node())
    node.param = node.param or Node()
    return node.param


def _find(node: Node, segments: tuple[str, ...], depth: int) -> Leaf | None:
    if depth == len(segments):
        return node.here or node.rest
    segment = segments[depth]
    child = node.literals.get(segment)
    if child is not None and (leaf := _find(child, segments, depth + 1)) is not None:
        return leaf
    if node.param is not None and segment and (leaf := _find(node.param, segments, depth + 1)) is not None:
        return leaf
    return node.rest
