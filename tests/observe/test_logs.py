"""Log lines: what they say, when they are written, and what happens when they cannot be."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import ManualClock
from gateway.observe import lines as lines_module
from gateway.observe.access_log import AccessLog
from gateway.observe.events import EventLog
from gateway.observe.lines import LineWriter
from gateway.observe.timestamps import Timestamps

REQUEST: dict[str, Any] = {
    "request_id": "0af7651916cd43dd8448eb211c80319c",
    "method": "GET",
    "path": b"/api/orders/7",
    "route": "orders",
    "reason": None,
    "status": 200,
    "subject": "6f1c8d3e-2b7a-4c59-9d0e-1a2b3c4d5e6f",
    "client": "192.0.2.7",
    "upstream": "orders",
    "seconds": 0.0031239,
    "upstream_seconds": 0.0021,
    "bytes_in": 0,
    "bytes_out": 512,
}
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)


def line_of(**changes: Any) -> dict[str, Any]:
    """What is read back from the one line that a request leaves."""
    written: list[str] = []
    AccessLog(written.append, ManualClock(1_800_000_000.5)).record(**{**REQUEST, **changes})
    (line,) = "".join(written).splitlines()
    parsed: dict[str, Any] = json.loads(line)
    return parsed


async def until(holds: Callable[[], bool]) -> None:
    """Waits for the writing thread, two seconds at most."""
    async with asyncio.timeout(2):
        while not holds():  # noqa: ASYNC110 - a thread cannot set an asyncio.Event
            await asyncio.sleep(0.005)


def test_request_line_has_the_fields_of_the_contract() -> None:
    assert line_of() == {
        "time": "2027-01-15T08:00:00.500Z",
        "request_id": "0af7651916cd43dd8448eb211c80319c",
        "method": "GET",
        "path": "/api/orders/7",
        "route": "orders",
        "reason": None,
        "status": 200,
        "subject": "6f1c8d3e-2b7a-4c59-9d0e-1a2b3c4d5e6f",
        "client": "192.0.2.7",
        "upstream": "orders",
        "ms": 3.124,
        "upstream_ms": 2.1,
        "bytes_in": 0,
        "bytes_out": 512,
    }


def test_refused_request_names_its_reason_and_has_no_upstream() -> None:
    line = line_of(reason="token-missing", status=401, subject=None, upstream=None, upstream_seconds=None)
    assert line["reason"] == "token-missing"
    assert (line["subject"], line["upstream"], line["upstream_ms"]) == (None, None, None)


@given(ANY_TEXT, st.binary(max_size=20), ANY_TEXT)
def test_whatever_a_client_sends_stays_within_its_line(method: str, path: bytes, client: str) -> None:
    line = line_of(method=method, path=path, client=client)
    assert (line["method"], line["client"], line["status"]) == (method, client, 200)


def test_path_bytes_that_are_no_ascii_are_shown_escaped() -> None:
    assert line_of(path=b'/caf\xc3\xa9"\\')["path"] == '/caf\\xc3\\xa9"\\'


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_800_000_000.9999, "2027-01-15T08:00:00.999Z"),
        (1_799_999_999.25, "2027-01-15T07:59:59.250Z"),
    ],
)
def test_times_are_rfc_3339_with_milliseconds(now: float, text: str) -> None:
    timestamps = Timestamps()
    assert timestamps.format(now) == text
    assert timestamps.format(now + 60) != text
    assert timestamps.format(now) == text


async def test_lines_of_a_while_are_written_together_and_in_order() -> None:
    written: list[str] = []
    writer = LineWriter(written.append, delay=0.02, form=str)
    await writer.open()
    for number in range(100):
        writer.add(f"{number}\n")
    assert written == []
    await until(lambda: bool(written))
    assert written == ["".join(f"{number}\n" for number in range(100))]
    writer.add("later\n")
    await writer.close()
    assert written[1:] == ["later\n"]


async def test_close_writes_what_waits() -> None:
    written: list[str] = []
    log = AccessLog(written.append, ManualClock())
    await log.open()
    log.record(**REQUEST)
    await log.close()
    assert len(written) == 1
    await log.close()


async def test_a_stalled_reader_costs_lines_and_never_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "MOST_WAITING", 10)
    written: list[str] = []
    stalled, released = threading.Event(), threading.Event()

    def write(text: str) -> None:
        stalled.set()
        released.wait(5)
        written.append(text)

    writer = LineWriter(write, delay=0, form=str)
    await writer.open()
    writer.add("first\n")
    await until(stalled.is_set)
    for number in range(20):
        writer.add(f"{number}\n")
    assert writer.dropped == 11
    released.set()
    await until(lambda: len(written) == 2)
    assert written == ["first\n", "".join(f"{number}\n" for number in range(9))]
    writer.add("and on it goes\n")
    await writer.close()
    assert written[2:] == ["and on it goes\n"]


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left on device"), ValueError("closed")])
async def test_a_log_that_cannot_be_written_is_counted_and_survived(error: Exception) -> None:
    def write(text: str) -> None:
        raise error

    writer = LineWriter(write, delay=0, form=str)
    await writer.open()
    writer.add("one\n")
    writer.add("two\n")
    await until(lambda: writer.dropped == 2)
    writer.add("three\n")
    await writer.close()
    assert writer.dropped == 3


async def test_closing_does_not_wait_for_a_log_that_never_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "_CLOSING_SECONDS", 0.05)
    released = threading.Event()
    writer = LineWriter(lambda _text: released.wait(5), delay=0, form=str)
    await writer.open()
    writer.add("stuck\n")
    async with asyncio.timeout(2):
        await writer.close()
    released.set()


def test_event_line_says_what_happened_to_whom() -> None:
    written: list[str] = []
    seen: list[str] = []
    log = EventLog(written.append, ManualClock(1_800_000_000.0), observe=seen.append)
    log.record("role-changed", subject="u", session_id="s", address="192.0.2.7", request_id="r", role="admin")
    assert [json.loads(line) for line in written] == [
        {
            "time": "2027-01-15T08:00:00.000Z",
            "event": "role-changed",
            "subject": "u",
            "session_id": "s",
            "address": "192.0.2.7",
            "request_id": "r",
            "role": "admin",
        }
    ]
    assert seen == ["role-changed"]


def test_event_line_is_one_line_whatever_it_is_told() -> None:
    written: list[str] = []
    EventLog(written.append, ManualClock()).record("login-failed", address="a\r\nb\u2028c\ud800")
    assert written[0].count("\n") == 1
    assert written[0].isascii()
    assert json.loads(written[0])["address"] == "a\r\nb\u2028c\ud800"


async def test_event_is_written_by_the_next_turn_of_the_loop() -> None:
    written: list[str] = []
    log = EventLog(written.append, ManualClock())
    await log.open()
    log.record("login", subject="u")
    await until(lambda: len(written) == 1)
    await log.close()
    assert log.dropped == 0
