"""How a route's requests travel on: prefixes, headers, limits, as the proxy wants them."""

from dataclasses import dataclass
from typing import Final

from gateway.config.addresses import is_plain_path
from gateway.config.header_rules import is_identity, refused_addition, refused_removal
from gateway.config.labels import label
from gateway.config.models_routes import HeaderEdits, RouteSettings
from gateway.config.scalars import printable, shown
from gateway.config.source import Path, Source
from gateway.config.words import is_header_name
from gateway.policy.patterns import PathPattern
from gateway.policy.route import Forwarding, Headers

_PREFIX_HINT: Final = "write /one or /one/two: letters and digits, no slash at the end"


@dataclass(frozen=True, slots=True)
class ForwardingReader:
    """Reads the forwarding part of one route. The base path of a target is the proxy's to add."""

    source: Source
    path: Path
    pattern: PathPattern

    def read(self, route: RouteSettings) -> Forwarding:
        """All of it; what is wrong is reported."""
        self._check_strip_prefix(route.strip_prefix)
        self._check_prefix("add_prefix", route.add_prefix)
        self._check_authorization(route)
        self._check_identity(route)
        request, response = route.headers.request, route.headers.response
        return Forwarding(
            strip_prefix=(route.strip_prefix or "").encode(),
            add_prefix=(route.add_prefix or "").encode(),
            forward_credentials=route.credentials == "forward",
            identity=route.identity == "headers",
            body_limit=route.body_limit,
            response_timeout=route.timeouts.response,
            idle_timeout=route.timeouts.idle,
            retries=route.retries,
            request_headers_add=self._additions(request, "request"),
            request_headers_remove=self._removals(request, "request"),
            response_headers_add=self._additions(response, "response"),
            response_headers_remove=self._removals(response, "response"),
        )

    def _check_strip_prefix(self, prefix: str | None) -> None:
        if prefix is None or not self._check_prefix("strip_prefix", prefix):
            return
        segments = tuple(prefix[1:].split("/"))
        if self.pattern.parts[: len(segments)] != segments:
            prefix_shown = shown(self._leaf("strip_prefix"))
            message = f"{prefix_shown} does not begin every path of {printable(self.pattern.text)}"
            self._error(("strip_prefix",), message, "it must be the first segments of `path`, without parameters")

    def _check_prefix(self, key: str, prefix: str | None) -> bool:
        if prefix is None or (prefix and is_plain_path(prefix)):
            return True
        self._error((key,), f"{shown(self._leaf(key))} is not a prefix", _PREFIX_HINT)
        return False

    def _check_authorization(self, route: RouteSettings) -> None:
        """On routes that let a client's `Authorization` through, a second one would make two readings."""
        if route.credentials == "strip" and route.access != "public":
            return
        for name in route.headers.request.add:
            if name.lower() == "authorization":
                message = f"{printable(name)} cannot be added where the caller's own may pass"
                self._error(
                    ("headers", "request", "add", name),
                    message,
                    "use credentials: strip, and no public access",
                )

    def _check_identity(self, route: RouteSettings) -> None:
        """Removals come last, so they take away what the gateway itself says of the caller."""
        if route.identity != "headers" or route.access == "public":
            return
        for index, name in enumerate(route.headers.request.remove):
            if is_identity(name):
                path: Path = (*self.path, "headers", "request", "remove", index)
                message = f"{printable(name)} is how the upstream learns who calls"
                self.source.warn(path, f"{label(self.source, path)}: {message}", "identity: none leaves all of it out")

    def _additions(self, edits: HeaderEdits, side: str) -> Headers:
        added: dict[str, tuple[bytes, bytes]] = {}
        for name, value in edits.add.items():
            at = ("headers", side, "add", name)
            why = refused_addition(name, request=side == "request")
            if not is_header_name(name):
                self._error(at, f"{printable(name)} is not a header name", "use letters, digits and '-'", key=True)
            elif why is not None:
                self._error(at, f"{printable(name)} {why}", key=True)
            elif name.lower() in added:
                self._error(at, f"{printable(name)} is given twice", "header names have no case", key=True)
            added[name.lower()] = (name.lower().encode("ascii", "replace"), value.encode())
        return tuple(added.values())

    def _removals(self, edits: HeaderEdits, side: str) -> frozenset[bytes]:
        for index, name in enumerate(edits.remove):
            why = refused_removal(name)
            if why is not None:
                self._error(("headers", side, "remove", index), f"{printable(name)} {why}")
        return frozenset(name.encode() for name in edits.remove)

    def _leaf(self, key: str) -> object:
        return self.source.at((*self.path, key))

    def _error(self, inside: Path, message: str, hint: str = "", *, key: bool = False) -> None:
        path = (*self.path, *inside)
        mark = self.source.key_mark(path) if key else self.source.value_mark(path)
        place = label(self.source, (*self.path, *inside[:-1]) if key else path)
        self.source.error(mark, f"{place}: {message}", hint)
