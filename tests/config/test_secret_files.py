"""`*_file` keys bring in secrets."""

from pathlib import Path

import pytest

from tests.support.configs import MINIMAL, SECRET, loaded, refused

WITH_FILE = MINIMAL.replace('secret: "${JWT_SECRET_KEY}"', "secret_file: keys/jwt")


def write(folder: Path, content: bytes) -> Path:
    (folder / "keys").mkdir()
    (folder / "keys" / "jwt").write_bytes(content)
    return folder


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=repr)
def test_one_newline_at_the_end_is_not_part_of_the_secret(tmp_path: Path, end: str) -> None:
    settings = loaded(WITH_FILE, {}, write(tmp_path, f"{SECRET}{end}".encode())).settings
    assert settings.tokens.secret.reveal() == SECRET.encode()


def test_an_absolute_path_stays_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, SECRET.encode())
    text = WITH_FILE.replace("keys/jwt", str(tmp_path / "keys" / "jwt"))
    assert loaded(text, {}, Path("/nonexistent")).settings.tokens.secret


def test_urls_and_the_first_password_may_be_in_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://:hunter2@cache\n")
    (tmp_path / "database").write_text("postgresql://u:hunter2@db/x\n")
    (tmp_path / "password").write_text("correct horse\n")
    text = MINIMAL + (
        "sessions: {store_file: url}\n"
        "accounts: {database_file: database, bootstrap_admin: {email: a@b.example, password_file: password}}\n"
    )
    settings = loaded(text, folder=tmp_path).settings
    assert settings.sessions.store.reveal() == "redis://:hunter2@cache"
    assert settings.accounts.database.reveal() == "postgresql://u:hunter2@db/x"
    assert settings.accounts.bootstrap_admin.password is not None
    assert settings.accounts.bootstrap_admin.password.reveal() == b"correct horse"


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"\xff" * 40, "not valid UTF-8"), (b"x" * 70_000, "does not hold a secret"), (b"a\0b", "does not hold a secret")],
    ids=["bytes", "too large", "zero"],
)
def test_a_file_that_holds_no_secret_is_refused_where_it_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    (problem,) = refused(WITH_FILE, {}, write(tmp_path, content))
    assert why in problem.message
    assert (problem.line, problem.column) == (1, 23)


def test_a_weak_secret_in_a_file_is_refused_without_showing_it(tmp_path: Path) -> None:
    (problem,) = refused(WITH_FILE, {}, write(tmp_path, b"hunter2hunter2\n"))
    assert "hunter2" not in problem.render()
    assert "make one with: export JWT_SECRET_KEY=" in problem.hint
