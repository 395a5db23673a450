"""A sound file becomes the settings it describes; a file that cannot be read says why."""

import os
from pathlib import Path

import pytest

from gateway.config import Problem, load_config
from gateway.config.addresses import Address, TargetUrl
from gateway.errors import ConfigError
from gateway.policy.route import Forwarding
from tests.support.configs import ENVIRON, MINIMAL, SECRET, loaded


def only_problem(path: Path) -> Problem:
    with pytest.raises(ConfigError) as error:
        load_config(path, ENVIRON)
    (problem,) = error.value.problems
    assert isinstance(problem, Problem)
    return problem


def test_three_keys_are_enough_and_the_rest_has_its_defaults() -> None:
    settings = loaded(MINIMAL).settings
    assert settings.server.listen == Address("0.0.0.0", 8080)
    assert settings.server.management == Address("127.0.0.1", 8081)
    assert settings.server.limits.body == 10 * 1024 * 1024
    assert settings.tokens.secret.reveal() == SECRET.encode()
    assert (settings.tokens.access_ttl, settings.tokens.refresh_ttl, settings.tokens.idle_ttl) == (1800, 604800, 604800)
    assert settings.sessions.store.reveal() == f"sqlite:///{Path.cwd()}/data/gateway.db"
    assert settings.sessions.revocation.when_stale == "deny"
    assert settings.accounts.password.reject_common is True
    assert settings.roles.closure(["admin"]) == {"admin", "user"}
    assert settings.upstreams["orders"].targets == (TargetUrl("http", "orders", 8000),)
    assert [route.name for route in settings.table.routes] == ["orders"]


def test_a_section_with_nothing_in_it_has_its_defaults() -> None:
    assert loaded(MINIMAL + "server:\nroles:\n").settings.server.workers == 1


def test_a_route_carries_what_the_proxy_needs() -> None:
    text = MINIMAL.replace("http://orders:8000", "http://orders:8000/base") + (
        "  - name: full\n    path: /api/v1/**\n    host: API.example\n    methods: [GET, HEAD]\n"
        "    access: {roles: [admin]}\n    upstream: orders\n    strip_prefix: /api\n    add_prefix: /new\n"
        "    timeouts: {response: 5s}\n    body_limit: 1KiB\n    credentials: forward\n    identity: none\n"
        "    allow_in_path: ['%2F', ';']\n    revocation: strict\n    headers:\n"
        "      request: {add: {X-Key: '${JWT_SECRET_KEY}'}, remove: [Cookie]}\n"
        "      response: {add: {X-Frame-Options: DENY}, remove: [Server]}\n"
    )
    route = next(route for route in loaded(text).settings.table.routes if route.name == "full")
    assert route.forwarding == Forwarding(
        strip_prefix=b"/api",
        add_prefix=b"/new",
        forward_credentials=True,
        identity=False,
        body_limit=1024,
        response_timeout=5.0,
        request_headers_add=((b"x-key", SECRET.encode()),),
        request_headers_remove=frozenset({b"cookie"}),
        response_headers_add=((b"x-frame-options", b"DENY"),),
        response_headers_remove=frozenset({b"server"}),
    )
    assert (str(route.host), route.methods, route.line) == ("api.example", frozenset({"GET", "HEAD"}), 6)
    assert (route.allow_in_path, route.strict_revocation) == (frozenset({"%2F", ";"}), True)
    assert route.access.describe() == "role admin"


def test_merge_keys_fill_in_and_own_keys_win() -> None:
    text = MINIMAL + "  - &a {name: a, path: /a, access: public, upstream: orders}\n  - {<<: *a, name: b, path: /b}\n"
    routes = {route.name: route for route in loaded(text).settings.table.routes}
    assert (routes["b"].path.text, routes["b"].access.describe()) == ("/b", "public")


def test_quoted_words_are_text() -> None:
    text = MINIMAL + "  - {name: 'no', path: /no, access: {claims: {country: 'no', 'on': '010'}}, upstream: orders}\n"
    route = next(route for route in loaded(text).settings.table.routes if route.name == "no")
    assert route.access.describe() == "claim country = 'no' and claim on = '010'"


def test_neither_settings_nor_source_print_a_secret() -> None:
    text = MINIMAL + "sessions: {store: 'redis://:hunter2@cache'}\n"
    found = loaded(text)
    for printed in (repr(found), str(found), repr(found.document), repr(found.settings)):
        assert "hunter2" not in printed
        assert SECRET not in printed


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (Path.exists, "no such file"),
        (Path.mkdir, "is a directory"),
        (lambda path: path.symlink_to(path), "cannot be read"),
    ],
    ids=["missing", "directory", "circular link"],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, make: object, why: str) -> None:
    path = tmp_path / "config.yaml"
    assert callable(make)
    make(path)
    problem = only_problem(path)
    assert problem.unreadable
    assert why in problem.message
    assert problem.where == str(path)


def test_a_name_that_is_no_text_is_still_printable() -> None:
    problem = only_problem(Path(os.fsdecode(b"/nonexistent/\xff.yaml")))
    assert problem.path == "/nonexistent/�.yaml"


def test_loading_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(MINIMAL)
    load_config(path, ENVIRON)
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.yaml"]
