"""One answer read without sockets: whatever the bytes, whatever the pieces they come in."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.proxy.answer import Answer

WHOLE = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX-T: 1\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
]
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nall there is"
PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([*WHOLE, UNTIL_CLOSE, b"HTTP/1.1 ", b"200 OK", b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"a: b\r\n"]),
    st.sampled_from([b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffffff\r\n", b"\x00"]),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    ends = sorted({min(place, len(data)) for place in places} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]


@given(st.lists(PIECES, max_size=12), st.booleans())
@example([WHOLE[0], b"HTTP/1.1 200 OK\r\n\r\n"], False)
@example([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"], False)
def test_no_bytes_raise_and_what_is_settled_stays(pieces: list[bytes], head_only: bool) -> None:
    answer = Answer(head_only=head_only)
    taken, settled = b"", None
    for piece in pieces:
        before = (answer.complete, answer.fault is not None)
        answer.feed(piece)
        if True in before:
            assert (answer.complete, answer.fault is not None) == before
            assert not piece or answer.surplus
            assert (answer.status, answer.headers, answer.take()) == settled
            continue
        assert not (answer.complete and answer.fault)
        assert answer.held == sum(map(len, answer._pieces))
        taken += answer.take()
        settled = (answer.status, list(answer.headers), b"")
    assert not (head_only and taken)
    answer.end()
    assert answer.complete or answer.fault is not None
    assert not (answer.reusable and answer.surplus)


@pytest.mark.parametrize("raw", WHOLE, ids=["length", "chunked", "204", "304", "after 103"])
@given(places=st.lists(st.integers(0, 120), max_size=12))
def test_an_answer_is_the_same_in_any_pieces(raw: bytes, places: list[int]) -> None:
    answer = Answer(head_only=False)
    body = b""
    for piece in cut(raw, places):
        assert not answer.complete
        answer.feed(piece)
        body += answer.take()
    assert (answer.complete, answer.fault, answer.reusable) == (True, None, True)
    assert body == {WHOLE[0]: b"body", WHOLE[1]: b"abcd"}.get(raw, b"")
    assert not any(name == b"x-t" or name == b"link" for name, _ in answer.headers)


@pytest.mark.parametrize("raw", WHOLE, ids=["length", "chunked", "204", "304", "after 103"])
@given(surplus=st.binary(min_size=1, max_size=60), places=st.lists(st.integers(0, 180), max_size=6))
@example(surplus=WHOLE[0], places=[])
@example(surplus=b"H", places=[])
def test_bytes_after_an_answer_end_the_use_of_the_connection(raw: bytes, surplus: bytes, places: list[int]) -> None:
    answer = Answer(head_only=False)
    for piece in cut(raw + surplus, places):
        answer.feed(piece)
    # Empty lines in the same piece are read over, as RFC 9112 section 2.2 has it for what comes first; they are gone.
    assert answer.complete
    assert not answer.reusable or not surplus.strip(b"\r\n")
    assert answer.take()[4:] == b""


@given(surplus=st.binary(min_size=1, max_size=60))
def test_any_byte_that_comes_later_is_noticed(surplus: bytes) -> None:
    answer = Answer(head_only=False)
    answer.feed(WHOLE[0])
    answer.feed(surplus)
    assert (answer.complete, answer.reusable, answer.take()) == (True, False, b"body")


def test_a_head_answer_is_complete_with_its_head_and_a_body_is_surplus() -> None:
    answer = Answer(head_only=True)
    answer.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert (answer.complete, answer.reusable) == (True, True)
    answer.feed(b"body")
    assert (answer.reusable, answer.take()) == (False, b"")


@pytest.mark.parametrize(
    ("head_only", "head"),
    [
        (True, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"),
        (True, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (False, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n"),
    ],
)
def test_a_body_announced_in_vain_may_still_come_and_ends_the_connection(head_only: bool, head: bytes) -> None:
    answer = Answer(head_only=head_only)
    answer.feed(head)
    assert (answer.complete, answer.fault, answer.reusable) == (True, None, False)


def test_an_answer_without_a_length_ends_with_the_connection_only() -> None:
    answer = Answer(head_only=False)
    answer.feed(UNTIL_CLOSE)
    assert (answer.complete, answer.take()) == (False, b"all there is")
    answer.end()
    assert (answer.complete, answer.fault, answer.reusable) == (True, None, False)


ENDLESS = {
    "head": (b"HTTP/1.1 200 OK\r\n", b"X-A: aaaaaaaaaaaaaaaa\r\n"),
    "one field": (b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 1000),
    "status line": (b"HTTP/1.1 200 ", b"a" * 1000),
    "interim answers": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "chunk extension": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;", b"a=" * 500),
    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: aaaaaaaaaaaaaaaa\r\n"),
    "one trailer": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: ", b"a" * 1000),
    "leading lines": (b"", b"\r\n" * 500),
}


@pytest.mark.parametrize(("start", "more"), list(ENDLESS.values()), ids=list(ENDLESS))
def test_what_does_not_end_is_given_up(start: bytes, more: bytes) -> None:
    answer = Answer(head_only=False)
    answer.feed(start)
    fed = 0
    while answer.fault is None:
        answer.feed(more)
        fed += len(more)
        assert fed < 200_000
    assert not answer.complete
