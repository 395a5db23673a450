"""`routes:` as the policy's route table, with everything that is wrong between and inside routes."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from gateway.config.access import AccessReader
from gateway.config.forwarding import ForwardingReader
from gateway.config.labels import label
from gateway.config.models_other import CorsSettings
from gateway.config.models_routes import RouteSettings
from gateway.config.models_upstreams import UpstreamSettings
from gateway.config.path_hints import colon_hint, path_hint
from gateway.config.scalars import from_environment, printable, shown
from gateway.config.source import Path, Source, did_you_mean
from gateway.policy.access import Access, AccessAuthenticated
from gateway.policy.methods import NEVER_ROUTED, OPEN_METHODS
from gateway.policy.patterns import HostPattern, PathPattern, PatternError
from gateway.policy.rate import Counted, RateLimit
from gateway.policy.roles import RoleGraph
from gateway.policy.route import Forwarding, Route

_METHOD: Final = re.compile(r"[A-Z0-9!#$%&'*+.^_`|~-]{1,40}")
RESERVED: Final = ("/auth/**", "/.well-known/jwks.json")


class RouteReader:
    """Builds routes from the sections that could be read, reporting the rest."""

    def __init__(
        self,
        source: Source,
        roles: RoleGraph,
        upstreams: Mapping[str, UpstreamSettings | None],
        cors: CorsSettings | None,
    ) -> None:
        self._source = source
        self._roles = roles
        self._upstreams = upstreams
        self._cors = cors or CorsSettings()

    def read_all(self, found: Sequence[RouteSettings | None]) -> list[tuple[Route, Path]]:
        """The routes whose pattern is known, with their place in the data, in the order of the file."""
        names: dict[str, Path] = {}
        built: list[tuple[Route, Path]] = []
        for index, settings in enumerate(found):
            path: Path = ("routes", index)
            self._check_name(path, names)
            route = self._read(settings or self._salvaged(path), path)
            if route is not None:
                built.append((route, path))
        self._warn_unused()
        return built

    def _read(self, settings: RouteSettings | None, path: Path) -> Route | None:
        pattern = self._pattern(settings, path)
        if settings is None or pattern is None:
            return None
        return Route(
            name=settings.name,
            path=pattern,
            host=self._host(settings, path),
            methods=self._methods(settings, path),
            access=self._access(path, pattern),
            upstream=settings.upstream,
            line=self._source.value_mark(path).line,
            allow_in_path=frozenset(settings.allow_in_path),
            strict_revocation=settings.revocation == "strict",
            websocket=settings.websocket,
            forwarding=self._forwarding(settings, path, pattern),
            rate_limit=_rate_limit(settings),
            cors=(settings.cors or self._cors).policy,
        )

    def _salvaged(self, path: Path) -> RouteSettings | None:
        """A refused route without the keys it was refused for, so that what else is wrong is found too."""
        data = self._source.at(path)
        if not isinstance(data, dict):
            return None
        try:
            return RouteSettings.model_validate(data)
        except ValidationError as error:
            refused = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
        if not isinstance(data.get("path"), str) or "path" in refused:
            return None
        kept = {key: value for key, value in data.items() if key not in refused}
        return RouteSettings.model_validate({"name": "refused", "upstream": "refused", "access": None, **kept})

    def _access(self, path: Path, pattern: PathPattern) -> Access:
        """A placeholder stands for what was refused: the file is not accepted then, and ties still show."""
        place = (*path, "access")
        if place not in self._source.values:
            return AccessAuthenticated()
        params = frozenset(name for name, _ in pattern.captures)
        return AccessReader(self._source, self._roles, params).read(place) or AccessAuthenticated()

    def _check_name(self, path: Path, names: dict[str, Path]) -> None:
        name = self._source.at((*path, "name"))
        first = names.setdefault(name, path) if isinstance(name, str) else path
        if first != path:
            line = self._source.value_mark(first).line
            message = f"the route name {shown(name)} is given twice"
            self._source.error((*path, "name"), message, f"it was first given in line {line}")

    def _pattern(self, settings: RouteSettings | None, path: Path) -> PathPattern | None:
        if settings is None:
            return None
        try:
            pattern = PathPattern.parse(settings.path)
        except PatternError as error:
            leaf = self._source.at((*path, "path"))
            self._error((*path, "path"), error.why, "" if from_environment(leaf) else path_hint(settings.path))
            return None
        if hint := colon_hint(settings.path):
            about = label(self._source, (*path, "path"))
            self._source.warn((*path, "path"), f"{about}: a segment with a colon is taken as it is written", hint)
        if pattern.parts[:1] == ("auth",) or (pattern.parts == (".well-known", "jwks.json") and not pattern.rest):
            self._error((*path, "path"), f"the gateway answers {' and '.join(RESERVED)} itself", "use another path")
        return pattern

    def _host(self, settings: RouteSettings, path: Path) -> HostPattern | None:
        if settings.host is None:
            self._refuse_nothing((*path, "host"), "any host")
            return None
        try:
            return HostPattern.parse(settings.host)
        except PatternError as error:
            self._error((*path, "host"), error.why)
            return None

    def _methods(self, settings: RouteSettings, path: Path) -> frozenset[str] | None:
        if settings.methods is None:
            self._refuse_nothing((*path, "methods"), "all methods")
            return None
        if not settings.methods:
            self._error((*path, "methods"), "no method would be taken", "leave the key out to take all methods")
        for index, method in enumerate(settings.methods):
            self._check_method(method, (*path, "methods", index))
        return frozenset(settings.methods)

    def _refuse_nothing(self, path: Path, instead: str) -> None:
        """A key with nothing after it reads as a limit, and would be none."""
        if path in self._source.values and self._source.at(path) is None:
            self._error(path, "must not be empty", f"leave the key out to take {instead}")

    def _check_method(self, method: str, path: Path) -> None:
        word = shown(self._source.at(path))
        known = not from_environment(self._source.at(path))
        if _METHOD.fullmatch(method.upper()) and method != method.upper():
            hint = f"methods have case: write {method.upper()}" if known else "methods have case: use capital letters"
            self._error(path, f"{word} is not a method", hint)
        elif not _METHOD.fullmatch(method):
            self._error(path, f"{word} is not a method", "such as GET or POST")
        elif method in NEVER_ROUTED:
            self._error(path, f"{method} is never proxied", "leave it out; without `methods`, all others are taken")
        elif method not in OPEN_METHODS:
            hint = did_you_mean(method, ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), "usual methods")
            self._source.warn(
                path, f"{label(self._source, path)}: {word} is not a registered method", hint if known else ""
            )

    def _forwarding(self, settings: RouteSettings, path: Path, pattern: PathPattern) -> Forwarding:
        self._check_upstream(settings.upstream, path)
        self._check_websocket(settings, path)
        return ForwardingReader(self._source, path, pattern).read(settings)

    def _check_upstream(self, name: str, path: Path) -> None:
        leaf = self._source.at((*path, "upstream"))
        if name == leaf and name not in self._upstreams:
            hint = "" if from_environment(leaf) else did_you_mean(name, self._upstreams, "known upstreams")
            about = label(self._source, path)
            self._source.error((*path, "upstream"), f"{about}: unknown upstream {shown(leaf)}", hint)

    def _check_websocket(self, settings: RouteSettings, path: Path) -> None:
        if not settings.websocket:
            return
        place = (*path, "websocket")
        upstream = self._upstreams.get(settings.upstream)
        if upstream is not None and upstream.protocol == "h2":
            self._error(place, "an upstream with protocol: h2 carries no WebSockets", "name one with protocol: http1")
        if settings.methods is not None and "GET" not in settings.methods:
            self._error(place, "a handshake is a GET, which this route does not take", "add GET to `methods`")

    def _warn_unused(self) -> None:
        """Silent while a route asks for an unknown upstream: that one is the likely user."""
        routes = self._source.at(("routes",))
        used = (
            [route.get("upstream") for route in routes if isinstance(route, dict)] if isinstance(routes, list) else []
        )
        if used and all(isinstance(name, str) and name in self._upstreams for name in used):
            for name in self._upstreams.keys() - {str(name) for name in used}:
                path: Path = ("upstreams", name)
                self._source.warn(self._source.key_mark(path), f"upstream {printable(name)}: no route uses it")

    def _error(self, path: Path, message: str, hint: str = "") -> None:
        self._source.error(path, f"{label(self._source, path)}: {message}", hint)


def _rate_limit(settings: RouteSettings) -> RateLimit | None:
    limit = settings.rate_limit
    return None if limit is None else RateLimit(limit.rate, Counted(limit.per))
