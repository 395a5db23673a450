"""`${NAME}` and `${NAME:-default}` inside scalars."""

import pytest
from pydantic_core import PydanticCustomError

from gateway.config.environment import expand
from gateway.config.scalars import Expanded, from_environment, words_of
from tests.support.configs import MINIMAL, SECRET, loaded, refused

ENVIRON = {"A": "one", "B": "two", "EMPTY": "", "NESTED": "${A}"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain $A $5", "plain $A $5"),
        ("${A}", "one"),
        ("${A}-${B}/x", "one-two/x"),
        ("${NO:-else}", "else"),
        ("${NO:-}", ""),
        ("${EMPTY:-else}", "else"),
        ("${EMPTY}", ""),
        ("$${A}", "${A}"),
        ("${NESTED}", "${A}"),
        ("${NO:-http://a:80/?b=c}", "http://a:80/?b=c"),
    ],
)
def test_references_are_replaced_once(written: str, read: str) -> None:
    assert expand(written, ENVIRON) == read


@pytest.mark.parametrize("written", ["${NO}", "${", "${A", "${1A}", "${A-b}", "${A.B}", "x${}y"])
def test_other_references_are_refused(written: str) -> None:
    with pytest.raises(PydanticCustomError):
        expand(written, ENVIRON)


def test_the_unset_variable_is_named() -> None:
    with pytest.raises(PydanticCustomError) as error:
        expand("${A}${NO}", ENVIRON)
    assert "NO" in words_of(error.value)[0]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(PydanticCustomError, match="UTF-8"):
        expand("${BAD}", {"BAD": b"\xff".decode("utf-8", "surrogateescape")})


def test_only_values_of_the_environment_count_as_such() -> None:
    assert not from_environment(expand("${NO:-else}", ENVIRON))
    assert from_environment(expand("x${A}", ENVIRON))
    found = expand("${A}${B}${A}", ENVIRON)
    assert isinstance(found, Expanded)
    assert found.names == ("A", "B")


def test_a_variable_can_be_a_number_or_a_flag() -> None:
    text = MINIMAL + "server: {workers: '${N}'}\naccounts: {password: {reject_common: '${F:-no}'}}\n"
    settings = loaded(text, {"JWT_SECRET_KEY": SECRET, "N": "4"}).settings
    assert settings.server.workers == 4
    assert settings.accounts.password.reject_common is False


def test_digits_from_a_variable_are_text_where_text_is_meant() -> None:
    text = MINIMAL + "accounts: {bootstrap_admin: {email: a@b.example, password: '${P}'}}\n"
    password = loaded(text, {"JWT_SECRET_KEY": SECRET, "P": "12345678"}).settings.accounts.bootstrap_admin.password
    assert password is not None
    assert password.reveal() == b"12345678"


def test_empty_variables_leave_the_first_admin_out() -> None:
    text = MINIMAL + "accounts: {bootstrap_admin: {email: '${E:-}', password: '${P:-}'}}\ntokens2: {}\n"
    assert [problem.message for problem in refused(text)] == ['unknown key "tokens2"']
    admin = loaded(text.replace("tokens2: {}\n", "")).settings.accounts.bootstrap_admin
    assert (admin.email, admin.password) == (None, None)


def test_keys_are_never_replaced() -> None:
    assert [p.message for p in refused(MINIMAL + "${A}: 1\n")] == ['unknown key "${A}"']
