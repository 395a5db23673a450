"""P01-P16: the target that policy reads is the one that goes upstream, byte for byte, or it is refused."""

import pytest

from tests.conformance.stage import Stage, head
from tests.conformance.strict_gateway import StrictGateway
from tests.support import configs
from tests.support.raw_message import RawMessage
from tests.support.refused import assert_refused


def assert_ambiguous(stage: Stage, answer: RawMessage) -> None:
    """Refused for its target, and no upstream heard of it."""
    assert (answer.status, answer.one(b"gateway-reason")) == (400, b"path-ambiguous"), answer.head
    assert stage.upstream.hits == 0


def test_p01_every_byte_of_the_target_goes_upstream(stage: Stage) -> None:
    assert stage.ask("GET", "/a%2Fb/%20c%C3%A9%7e", kind="free").status == 200
    assert stage.seen.target == b"/a%2Fb/%20c%C3%A9%7e"


@pytest.mark.parametrize("rest", ["/a/../b", "/a/./b", "/..", "/a/..", "/a/.", "/a/..;/b"])
def test_p02_dot_segments_are_refused(stage: Stage, rest: str) -> None:
    assert_ambiguous(stage, stage.ask("GET", rest, kind="free"))


@pytest.mark.parametrize("rest", ["/a/%2e%2e/b", "/a/%2E./b", "/a/%2e/b", "/a/%252e%252e/b", "/a/..%20/b"])
def test_p03_encoded_dot_segments_are_refused(stage: Stage, rest: str) -> None:
    assert_ambiguous(stage, stage.ask("GET", rest, kind="free"))


def test_p04_a_target_that_looks_like_an_authority_reaches_the_configured_upstream(stage: Stage) -> None:
    with stage.client() as client:
        assert client.ask(head("GET", "//evil.test/x")).status in (400, 404)
        assert client.ask(head("GET", "//evil.test" + stage.path("/x"))).status in (400, 404)
    assert stage.upstream.hits == 0
    assert stage.ask("GET", "//evil.test/x", kind="free").status == 200
    # A target that did not begin with two slashes does not begin so without its prefix.
    assert stage.seen.target == b"/evil.test/x"
    assert stage.seen.one(b"host") == f"127.0.0.1:{stage.upstream.port}".encode()


@pytest.mark.parametrize("rest", ["/a;b=c|d", "/a//b", "/a%5Cb", "/a%3Bb"])
def test_p05_odd_separators_are_kept_where_the_route_allows_them(stage: Stage, rest: str) -> None:
    assert_ambiguous(stage, stage.ask("GET", rest))
    assert stage.ask("GET", rest, kind="free").status == 200
    assert stage.seen.target == rest.encode()


def test_p05_a_backslash_is_never_sent(stage: Stage) -> None:
    assert_ambiguous(stage, stage.ask("GET", "/a\\b", kind="free"))


def test_p06_the_query_is_kept_byte_for_byte(stage: Stage) -> None:
    stage.ask("GET", "/?a=%zz;b=2&c=+%20&c=3&&=&d=/../%2F")
    assert stage.seen.target == b"/?a=%zz;b=2&c=+%20&c=3&&=&d=/../%2F"


def test_p07_an_empty_query_is_not_no_query(stage: Stage) -> None:
    for rest in ("/q", "/q?"):
        stage.ask("GET", rest)
    assert [request.target for request in stage.upstream.requests] == [b"/q", b"/q?"]


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/based/x", b"/base/x"),
        ("/based/", b"/base/"),
        ("/based", b"/base/"),
        ("/based/x?us=er", b"/base/x?us=er"),
    ],
)
def test_p08_base_and_path_are_joined_by_one_slash(strict: StrictGateway, target: str, sent: bytes) -> None:
    with strict.client() as client:
        assert client.ask(head("GET", target)).status == 200
    assert strict.plain.requests[-1].target == sent


def test_p08_a_base_with_a_query_is_a_mistake_in_the_configuration() -> None:
    text = configs.MINIMAL.replace("orders:8000", "orders:8000/base?sta=tic")
    (problem,) = configs.refused(text)
    assert "sta=tic" in text.splitlines()[problem.line - 1]


def test_p09_encoded_delimiters_stay_encoded(stage: Stage) -> None:
    assert_ambiguous(stage, stage.ask("GET", "/q%23f%3Fz"))
    assert stage.ask("GET", "/q%23f%3Fz", kind="free").status == 200
    assert stage.seen.target == b"/q%23f%3Fz"


@pytest.mark.parametrize("rest", ["/x#frag", "/x?a#frag", "/#"])
def test_p09_a_fragment_is_refused(stage: Stage, rest: str) -> None:
    assert_ambiguous(stage, stage.ask("GET", rest, kind="free"))


def test_p10_the_host_of_an_absolute_target_rules(strict: StrictGateway) -> None:
    """RFC 9112 section 3.2.2: the Host field is ignored."""
    with strict.client() as client:
        assert client.ask(head("GET", "http://other.test/hosted/x?q")).status == 200
        seen = strict.plain.requests[-1]
        assert (seen.target, seen.one(b"x-forwarded-host")) == (b"/hosted/x?q", b"other.test")
        assert seen.one(b"host") == f"127.0.0.1:{strict.plain.port}".encode()
        lying = b"GET http://gw.test/hosted/x HTTP/1.1\r\nHost: other.test\r\n\r\n"
        assert client.ask(lying).status == 404


@pytest.mark.parametrize(("method", "statuses"), [("OPTIONS", (200, 204, 400)), ("GET", (400,))])
def test_p11_an_asterisk_is_no_path(stage: Stage, method: str, statuses: tuple[int, ...]) -> None:
    with stage.client() as client:
        assert client.ask(head(method, "*")).status in statuses


@pytest.mark.parametrize("target", ["h:443", "/"])
def test_p12_connect_is_refused(stage: Stage, target: str) -> None:
    target = target if target != "/" else stage.path()
    with stage.client() as client:
        assert client.ask(head("CONNECT", target)).status in (400, 405, 501)
    assert stage.upstream.hits == 0


def test_p12_trace_is_refused(stage: Stage) -> None:
    """It would echo credentials."""
    answer = stage.ask("TRACE")
    assert answer.status == 405
    assert b"TRACE" not in (answer.one(b"allow") or b"TRACE")
    assert stage.upstream.hits == 0


@pytest.mark.parametrize("method", ["PURGE", "PROPFIND", "REPORT", "PATCH"])
def test_p13_other_methods_go_where_policy_says(stage: Stage, method: str) -> None:
    assert stage.ask(method).status == 200
    assert stage.seen.start.startswith(method.encode() + b" / ")
    with stage.client() as client:
        refused = client.ask(head(method, "/public/x"))
    assert (refused.status, refused.one(b"allow")) == (405, b"GET, POST")


@pytest.mark.parametrize(
    "rest", ["/%00", "/a%00b", "/%c0%af", "/%c0%ae%c0%ae/x", "/caf\xe9", "/%", "/a%", "/a%2", "/%zz", "/%ff"]
)
def test_p14_what_no_parser_reads_alike_is_refused(stage: Stage, rest: str) -> None:
    answer = stage.ask("GET", rest, kind="free")
    assert answer.status == 400
    assert answer.one(b"gateway-reason") in (b"path-ambiguous", b"header-ambiguous")
    assert stage.upstream.hits == 0


def test_p15_a_target_of_8000_octets_is_served(stage: Stage) -> None:
    prefix = len(stage.path("/"))
    assert stage.ask("GET", "/" + "x" * (8000 - prefix)).status == 200
    assert len(stage.seen.target) == 8000 - prefix + 1


def test_p15_a_target_that_does_not_end_is_refused(stage: Stage) -> None:
    with stage.client() as client:
        client.send(b"GET /" + b"x" * 60_000)
        assert_refused(client, 414, "target-too-long")


def test_p15_a_target_of_two_megabytes_is_refused(stage: Stage) -> None:
    """What is still on its way when the connection closes may turn the answer into a reset."""
    with stage.client() as client:
        try:
            client.send(stage.request("GET", "/" + "x" * 2_000_000))
            answered: int | None = client.response().status
        except ConnectionError:
            answered = None
    assert answered in (414, None)
    assert stage.upstream.hits == 0


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/svc/admin", 401),
        ("/svc/admin/x", 401),
        ("/svc/%61dmin", 401),
        ("/svc%2Fadmin", 400),
        ("/svc%2fadmin", 400),
        ("/svc%252fadmin", 400),
        ("/svc/%2561dmin", 400),
        ("/svc//admin", 400),
        ("/svc/admin;x", 400),
        ("/SVC/admin", 404),
        ("/svcadmin", 404),
        ("/svc/ADMIN", 502),
    ],
)
def test_p16_a_prefix_is_matched_on_one_form_only(stage: Stage, target: str, status: int) -> None:
    """Where no route matches, a spelling that no route could allow is refused all the same, or nobody's route."""
    with stage.client() as client:
        answer = client.ask(head("GET", target))
    assert answer.status in ({status, 404} if status == 400 else {status})
