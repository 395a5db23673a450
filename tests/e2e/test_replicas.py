"""Two gateways on one Redis and one PostgreSQL, as behind a balancer."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from gateway.reasons import Reason
from tests.support.eventually import eventually
from tests.support.postgres_server import PostgresServer
from tests.support.problems import assert_problem
from tests.support.raw_upstream import RawUpstream
from tests.support.redis_server import RedisServer
from tests.support.running_gateway import SECRET, RunningGateway, bearer, running


@pytest.fixture(scope="module")
def replicas(
    tmp_path_factory: pytest.TempPathFactory,
    echo: RawUpstream,
    redis_server: RedisServer,
    postgres_server: PostgresServer,
) -> Iterator[tuple[RunningGateway, RunningGateway]]:
    """Both started at once on an empty database, as `--scale gateway=2` does."""
    folder = tmp_path_factory.mktemp("replicas")
    with postgres_server.fresh_database() as database:
        settings = {"upstream": echo.url, "database": database, "store": redis_server.url.removesuffix("/0") + "/5"}
        early = RunningGateway(folder / "one", **settings).start(wait=False)
        with running(folder / "two", **settings) as late:
            early.wait_ready()
            yield early, late
            assert early.stop() == 0
            early.http.close()


def status(gateway: RunningGateway, granted: dict[str, str], path: str = "/any/x") -> int:
    return gateway.http.get(path, headers=bearer(granted)).status_code


def users(gateway: RunningGateway, *words: str) -> None:
    """Run `gateway users …` with this gateway's configuration."""
    command = [sys.executable, "-m", "gateway", "users", *words, "--config", str(gateway.config)]
    ran = subprocess.run(command, env={"JWT_SECRET_KEY": SECRET}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_an_account_and_its_session_are_known_to_both(replicas: tuple[RunningGateway, RunningGateway]) -> None:
    one, two = replicas
    granted = one.register("both@example.com")
    assert status(two, granted) == 200
    renewed = two.refresh(granted["refresh_token"])
    assert one.refresh(granted["refresh_token"])["refresh_token"] == renewed["refresh_token"]
    assert one.admin()["user_id"] == two.admin()["user_id"]


def test_a_logout_on_one_is_refused_on_the_other(replicas: tuple[RunningGateway, RunningGateway]) -> None:
    one, two = replicas
    granted = one.register("logout@example.com")
    assert status(two, granted) == 200
    one.http.post("/auth/logout", headers=bearer(granted))
    assert status(two, granted, "/strict/x") == 401
    eventually(lambda: status(two, granted) == 401, 1)


def test_a_new_role_holds_within_a_second_and_signs_nobody_out(
    replicas: tuple[RunningGateway, RunningGateway],
) -> None:
    one, two = replicas
    granted = one.register("role@example.com")
    assert status(one, granted, "/admin/x") == 403
    users(one, "role", "role@example.com", "admin")
    for gateway in replicas:
        eventually(lambda gateway=gateway: status(gateway, granted, "/admin/x") == 200, 1)  # type: ignore[misc]
    users(two, "role", "role@example.com", "user")
    for gateway in replicas:
        eventually(lambda gateway=gateway: status(gateway, granted, "/admin/x") == 403, 1)  # type: ignore[misc]
        assert status(gateway, granted) == 200
    assert one.refresh(granted["refresh_token"])["role"] == "user"


def test_a_disabled_user_is_out_everywhere(replicas: tuple[RunningGateway, RunningGateway]) -> None:
    one, two = replicas
    granted = one.register("disabled@example.com")
    assert status(two, granted) == 200
    users(one, "disable", "disabled@example.com")
    for gateway in replicas:
        eventually(lambda gateway=gateway: status(gateway, granted) == 401, 1)  # type: ignore[misc]
    refused = two.http.post("/auth/refresh", json={"refresh_token": granted["refresh_token"]})
    assert_problem(refused, Reason.SESSION_ENDED)
    login = two.http.post("/auth/login", json={"email": "disabled@example.com", "password": "password123"})
    assert_problem(login, Reason.ACCOUNT_DISABLED)
    users(one, "enable", "disabled@example.com")
    assert status(two, two.login("disabled@example.com", "password123")) == 200
