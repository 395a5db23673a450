"""The sample services as the demo starts them: reachable at once, gone with their parent."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo.services import SampleService, find, running

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "examples" / "services"


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, SampleService]]:
    with running(SERVICES) as started:
        yield started


def get(url: str, **headers: str) -> tuple[int, object]:
    request = urllib.request.Request(url, headers={name.replace("_", "-"): v for name, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_they_are_found_beside_the_configuration_and_else_in_the_clone(tmp_path: Path) -> None:
    assert find(ROOT / "config.yaml") == SERVICES
    assert find(tmp_path / "config.yaml") == SERVICES
    beside = tmp_path / "examples" / "services"
    beside.mkdir(parents=True)
    for name in ("orders.py", "catalogue.py"):
        (beside / name).touch()
    assert find(tmp_path / "config.yaml") == beside


def test_a_request_sent_at_once_waits_for_the_service() -> None:
    with running(SERVICES) as started:
        assert get(f"{started['catalogue'].url}/health") == (200, {"status": "ok"})


def test_orders_believes_the_headers_and_keeps_users_apart(services: dict[str, SampleService]) -> None:
    url = services["orders"].url
    body = json.dumps({"item": "tea", "quantity": 2}).encode()
    request = urllib.request.Request(f"{url}/orders", data=body, headers={"X-User-Id": "u1"})
    order = {"number": 1, "item": "tea", "quantity": 2}
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert (answer.status, json.load(answer)) == (201, order)
    mine = get(f"{url}/orders", X_User_Id="u1", X_User_Display_Name="Zo%C3%AB")
    assert mine == (200, {"customer": "Zoë", "orders": [order]})
    assert get(f"{url}/orders/u1") == (200, {"user_id": "u1", "orders": [order]})
    assert get(f"{url}/orders/u2") == (200, {"user_id": "u2", "orders": []})
    report = get(f"{url}/orders/admin/report", X_User_Email="admin@example.com")
    assert report == (200, {"for": "admin@example.com", "users": 1, "orders": 1})


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"item": "tea", "quantity": "x"}', b"\xff"])
def test_orders_answers_422_to_another_shape(services: dict[str, SampleService], body: bytes) -> None:
    request = urllib.request.Request(
        f"{services['orders'].url}/orders", data=body, headers={"X-User-Id": "u3"}, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value as answer:
        assert answer.code == 422


def test_the_catalogue_has_items(services: dict[str, SampleService]) -> None:
    url = services["catalogue"].url
    assert get(f"{url}/catalogue/tea") == (200, {"item": "tea", "price": 4.5})
    assert get(f"{url}/catalogue/gold")[0] == 404


def test_they_end_with_the_block() -> None:
    with running(SERVICES) as started:
        processes = [service.process for service in started.values()]
        for service in started.values():
            get(f"{service.url}/health")
    assert [process.returncode for process in processes] == [0, 0]


def test_they_end_when_their_parent_is_killed() -> None:
    script = (
        "import sys, time; from pathlib import Path; from gateway.demo.services import running\n"
        "with running(Path(sys.argv[1])) as services:\n"
        "    print(*(s.process.pid for s in services.values()), flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(SERVICES)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(children) == 2
    deadline = time.monotonic() + 10
    while any(map(alive, children)):
        assert time.monotonic() < deadline, "a sample service outlived its parent"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Not finished: a process that only waits to be collected counts as ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
