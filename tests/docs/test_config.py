"""The shipped config.yaml: accepted without a warning wherever it is used, and meant as its comments say."""

import base64
import re
from pathlib import Path

import pytest

from gateway.config.load import load_config
from gateway.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config.yaml"
SECRET = {"JWT_SECRET_KEY": base64.b64encode(bytes(range(32))).decode()}
COMPOSE = {
    **SECRET,
    "GATEWAY_LISTEN": "0.0.0.0:8080",
    "REDIS_URL": "redis://redis:6379/0",
    "DATABASE_URL": "postgresql://gateway:word@postgres/gateway",
    "TRUSTED_PROXIES": "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16",
    "ADMIN_EMAIL": "",
    "ADMIN_PASSWORD": "",
}


@pytest.mark.parametrize("environ", [SECRET, COMPOSE], ids=["bare", "compose"])
def test_it_has_no_problem(environ: dict[str, str]) -> None:
    assert load_config(CONFIG, environ).warnings == ()


def test_without_a_secret_it_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(CONFIG, {})
    assert len(refused.value.problems) == 1


def test_the_environment_says_what_differs() -> None:
    bare, compose = (load_config(CONFIG, environ).settings for environ in (SECRET, COMPOSE))
    assert str(bare.server.listen) == "127.0.0.1:8080"
    assert str(compose.server.listen) == "0.0.0.0:8080"
    assert bare.server.trusted_proxies == ()
    assert len(compose.server.trusted_proxies) == 3


def test_the_quick_start_password_is_allowed_and_the_reason_is_given() -> None:
    assert load_config(CONFIG, SECRET).settings.accounts.password.reject_common is False
    assert re.search(r"reject_common: false +# .*password123", CONFIG.read_text())


def test_it_shows_a_public_a_signed_in_an_owner_and_an_admin_route() -> None:
    table = load_config(CONFIG, SECRET).settings.table
    assert {route.name for route in table.routes} == {"catalogue", "orders", "orders-of-user", "orders-admin"}
    assert [route.name for route in table.routes if route.strict_revocation] == ["orders-admin"]
