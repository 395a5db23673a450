"""Known path and host confusions of gateways of this kind, each with what it must meet here.

The policy: `/public/**` is for anyone, `/admin/**` for admins, `/api/users/{id}` for any caller, `/api/**`
has its prefix stripped. The caller has no token, so `401` says that the protected route was found.
"""

import pytest

from gateway.errors import Refusal
from gateway.policy.decide import decide
from gateway.policy.host import read_host
from gateway.policy.table import AmbiguousPath, Match, RouteTable
from gateway.policy.target import read_target
from gateway.principal import Anonymous
from gateway.reasons import Reason
from tests.policy.builders import ADMIN, ALL_MARKS, AUTHENTICATED, PUBLIC, route

ROUTES = [
    route("/public/**", "GET", access=PUBLIC),
    route("/admin/**", access=ADMIN),
    route("/api/users/{id}", access=AUTHENTICATED),
    route("/api/**", access=AUTHENTICATED),
]
TABLE = RouteTable.build(ROUTES)
MANY_HOSTS = RouteTable.build(
    [route("/admin/**", host="app.example.com", access=ADMIN)]
    + [route("/**", host=f"h{number}.example.com", access=PUBLIC) for number in range(200)]
)

CASES = [
    ("1 GHSA-p224-6x5r-fjpm", "/public/../admin/x", 400),
    ("2 CVE-2026-42274", "/public/%2e%2e/admin/x", 400),
    ("2 CVE-2026-42274", "/public/.%2E/admin/x", 400),
    ("3 CVE-2026-42272", "/public%2f..%2fadmin/x", 400),
    ("3 CVE-2026-42272", "/public%2F..%2Fadmin/x", 400),
    ("4 CVE-2025-66490", "/admin%2Fx", 400),
    ("4 CVE-2025-66490", "/admin%5Cx", 400),
    ("4 CVE-2025-66490", "/admin%00", 400),
    ("4 CVE-2025-66490", "/admin%3Bx", 400),
    ("4 CVE-2025-66490", "/admin%3Fx", 400),
    ("4 CVE-2025-66490", "/admin%23x", 400),
    ("5 GHSA-xf64-8mw2-4gr2", "/api/../admin/x", 400),
    ("5 GHSA-xf64-8mw2-4gr2", "/api/%2e%2e/admin/x", 400),
    ("6 CVE-2026-40912", "/api%2e/admin/secret", 400),
    ("7 CVE-2021-29492", "//admin/x", 400),
    ("7 CVE-2021-29492", "/%2Fadmin/x", 400),
    ("7 CVE-2021-29492", "/\\admin/x", 400),
    ("7 CVE-2021-29492", "/%5cadmin/x", 400),
    ("8 CVE-2026-26205", "//admin/x", 400),
    ("9 CVE-2021-32779", "/admin/x#/public/y", 400),
    ("10 CVE-2026-41059", "/admin/x%23/public/bar", 400),
    ("10 CVE-2026-41059", "/admin/x#/public/bar", 400),
    ("11 CVE-2025-54576", "/admin/x?next=/public/y", 401),
    ("12 CVE-2026-27587", "/ADMIN/x", 404),
    ("12 CVE-2026-27587", "/Admin%20x", 404),
    ("14 CVE-2026-33186", "admin/x", 400),
    ("14 CVE-2026-33186", "http://h/admin/x", 401),
    ("14 CVE-2026-33186", "*", 400),
    ("15 CVE-2026-15573", "/admin", 401),
    ("15 CVE-2026-15573", "/admin/", 401),
    ("15 CVE-2026-15573", "/admin/x/", 401),
    ("15 CVE-2026-15573", "/admin;a=b/x", 400),
    ("15 CVE-2026-15573", "/public;/../admin/x", 400),
    ("16 CVE-2026-32716", "/publicity", 404),
    ("17 CVE-2022-22978", "/admin/x%0a", 400),
    ("17 CVE-2022-22978", "/admin/%0d", 400),
    ("19 GHSA-r8x2-fhmf-6mxp", "/admin/x?a=%26b", 401),
    ("plain", "/public/x", 200),
    ("plain", "/public", 200),
    ("plain", "/public/%61", 200),
    ("escaped plain", "/%61dmin/x", 401),
    ("escaped plain", "/admin%2", 400),
]


def answer(table: RouteTable, raw: str, *, method: str = "GET", host: bytes = b"gw.test") -> int:
    """The status that a caller without a token gets; 200 when the request would go upstream."""
    try:
        outcome = table.match(method, read_host(host), read_target(raw.encode("latin-1"), 8192))
    except Refusal as refusal:
        return refusal.reason.status
    if isinstance(outcome, Match):
        reason = decide(outcome.route, outcome.params, Anonymous()).reason
        return 200 if reason is None else reason.status
    if isinstance(outcome, AmbiguousPath):
        return Reason.PATH_AMBIGUOUS.status
    return 404 if type(outcome).__name__ == "NoRoute" else 405


@pytest.mark.parametrize(("raw", "status"), [case[1:] for case in CASES], ids=[f"{n} {raw}" for n, raw, _ in CASES])
def test_each_is_answered_as_its_plain_form_or_refused_twice_in_a_row(raw: str, status: int) -> None:
    assert [answer(TABLE, raw), answer(TABLE, raw)] == [status, status]


@pytest.mark.parametrize("raw", sorted({raw for _, raw, status in CASES if status != 200}))
def test_allowing_every_mark_on_the_public_route_opens_nothing(raw: str) -> None:
    lax = [route("/public/**", access=PUBLIC, allow=ALL_MARKS), route("/**", access=PUBLIC, allow=ALL_MARKS)]
    status = answer(RouteTable.build([*lax, *ROUTES[1:]]), raw)
    harmless = {"/ADMIN/x", "/Admin%20x", "/publicity"}
    assert (status == 200) == (raw in harmless)


@pytest.mark.parametrize("host", [b"APP.Example.COM", b"app.example.com.", b"app.example.com:443", b"app.example.com"])
def test_13_hosts_are_one_host_in_any_case_among_many(host: bytes) -> None:
    assert answer(MANY_HOSTS, "/admin/x", host=host) == 401


@pytest.mark.parametrize("host", [b"h/public?", b"h/public", b"gw.test#", b"gw.test, app.example.com", b""])
def test_18_a_host_that_carries_a_path_is_refused(host: bytes) -> None:
    assert answer(TABLE, "/admin/x", host=host) == 400


@pytest.mark.parametrize(
    ("method", "raw", "status"),
    [
        ("get", "/admin/x", 405),
        ("FOO", "/admin/x", 405),
        ("TRACE", "/admin/x", 405),
        ("CONNECT", "/admin/x", 405),
        ("HEAD", "/public/x", 405),
        ("OPTIONS", "*", 400),
        ("HEAD", "/admin/x", 401),
    ],
)
def test_63_odd_methods_meet_no_looser_rule(method: str, raw: str, status: int) -> None:
    assert answer(TABLE, raw, method=method) == status
