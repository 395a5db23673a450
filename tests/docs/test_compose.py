"""docker-compose.yml and Dockerfile: what a careful operator checks before starting them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ("secrets", "balancer", "gateway")])
def test_what_others_wait_for_has_a_healthcheck(name: str) -> None:
    assert "test" in SERVICES[name]["healthcheck"]


def test_only_the_balancer_is_published() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["balancer"]


def test_the_gateway_can_be_scaled() -> None:
    assert not {"ports", "container_name", "hostname"} & SERVICES["gateway"].keys()


def test_redis_neither_evicts_nor_forgets() -> None:
    command = SERVICES["redis"]["command"].split()
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_no_secret_is_written_down() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|KEY", name):
                assert value.startswith(("${", "/secrets/")), name
                assert ":-}" in value or value.startswith("/secrets/"), name


def test_the_container_draining_time_is_longer_than_the_gateways() -> None:
    drain = yaml.safe_load((ROOT / "config.yaml").read_text())["server"]["drain"]
    grace = SERVICES["gateway"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > int(drain.removesuffix("s"))


def test_the_image_needs_no_buildkit() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert not re.search(r"# *syntax=|RUN --|COPY --(?!from=)|<<", text)
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)


def test_the_image_gets_no_more_than_it_needs() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    assert not any(line in ("!data", "!.env", "!.git", "!.") for line in lines)
