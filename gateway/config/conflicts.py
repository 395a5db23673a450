"""Routes against each other: ties are errors, shadowed routes are warnings."""

from collections.abc import Sequence

from gateway.config.source import Path, Source
from gateway.policy.analysis import find_shadowed, find_ties
from gateway.policy.route import Route


def report_conflicts(source: Source, built: Sequence[tuple[Route, Path]]) -> None:
    """Each finding stands at the later or losing route and names the line of the other."""
    places = dict(built)
    routes = [route for route, _ in built]
    for tie in find_ties(routes):
        rival = f"{_name(tie.first)} (line {tie.first.line})"
        message = f"{_name(tie.second)} ties with {rival}: {_overlap(tie.first, tie.second)}"
        source.error(places[tie.second], f"route {message}", "change the path, the host or the methods of one")
    for shadow in find_shadowed(routes):
        winner = f"{_name(shadow.by)} (line {shadow.by.line}) wins for every request"
        source.warn(places[shadow.route], f"route {_name(shadow.route)} can never match: {winner}")


def _name(route: Route) -> str:
    return f'"{route.name}"'


def _overlap(first: Route, second: Route) -> str:
    if first.methods is None or second.methods is None:
        return f"both take all methods of {second.path.text}"
    return f"both take {', '.join(sorted(first.methods & second.methods))} {second.path.text}"
