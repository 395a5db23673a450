"""How the caller's identity is put to an upstream."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import TokenRefused
from gateway.principal import Principal
from tests.proxy.harness import ANN, route_for
from tests.proxy.sending import OWN, sent, values


def test_identity_of_the_principal_is_set_once() -> None:
    fields = sent((b"x-user-id", b"admin"), (b"x_user_role", b"admin"), principal=ANN)
    assert [field for field in fields if field[0].startswith((b"x-user", b"x-session"))] == [
        (b"x-user-id", b"7b0c"),
        (b"x-user-email", b"ann@example.com"),
        (b"x-user-display-name", b"%C3%84nn%20B"),
        (b"x-user-role", b"user"),
        (b"x-session-id", b"s-1"),
    ]


def test_several_roles_are_separated_by_commas() -> None:
    assert values(sent(principal=replace(ANN, roles=("user", "admin"))), b"x-user-role") == [b"user,admin"]


def test_what_a_principal_lacks_is_absent() -> None:
    bare = Principal(subject="u", issuer="i", roles=(), expires_at=0)
    names = {name for name, _ in sent((b"x-user-role", b"admin"), principal=bare)}
    assert names == OWN | {b"x-user-id"}


@pytest.mark.parametrize(
    ("principal", "identity"), [(None, True), (ANN, False)], ids=["nobody", "identity switched off"]
)
def test_no_identity_is_sent_without_one(principal: Principal | None, identity: bool) -> None:
    fields = sent((b"x-user-id", b"admin"), principal=principal, route=route_for(identity=identity))
    assert {name for name, _ in fields} == OWN


@pytest.mark.parametrize(
    "claims",
    [
        {"subject": "u\r\nX-Role: admin"},
        {"email": "a\nb"},
        {"email": "a\x00b"},
        {"roles": ("user", "x\r\n")},
        {"roles": ("user,admin",)},
        {"session_id": "s\x7f"},
        {"subject": " u"},
        {"email": "\ud800"},
        {"display_name": "\udfff"},
    ],
)
def test_a_claim_that_cannot_be_one_header_value_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        sent(principal=replace(ANN, **claims))


@given(st.text())
def test_any_display_name_is_sent_as_visible_ascii_or_refused(name: str) -> None:
    try:
        (value,) = values(sent(principal=replace(ANN, display_name=name)), b"x-user-display-name")
    except TokenRefused:
        assert any("\ud800" <= char <= "\udfff" for char in name)
    else:
        assert all(0x21 <= byte <= 0x7E for byte in value)
