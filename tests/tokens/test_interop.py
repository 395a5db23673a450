"""What a service with the shared secret sees, with PyJWT and nothing of ours."""

import base64
import re
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.tokens import forge

DOCUMENT = Path(__file__).parents[2] / "docs" / "tokens.md"


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function that the documentation tells services to use."""
    monkeypatch.setenv("JWT_SECRET_KEY", forge.SECRET)
    (block,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102 - the document's own code is what is under test
    return names["caller"]


def test_plain_pyjwt_verifies_an_access_token() -> None:
    token = forge.access_tokens().issue(forge.SUBJECT).token
    claims = jwt.decode(token, base64.b64decode(forge.SECRET), algorithms=["HS256"])
    assert {name: claims[name] for name in ("user_id", "email", "display_name", "role", "token_type")} == {
        "user_id": forge.USER,
        "email": "ann@example.com",
        "display_name": forge.SUBJECT.display_name,
        "role": "user",
        "token_type": "access",
    }
    assert (claims["iat"], claims["exp"]) == (forge.NOW, forge.NOW + forge.TTL)


def test_plain_pyjwt_verifies_the_audience() -> None:
    token = forge.access_tokens(audience="shop").issue(forge.SUBJECT).token
    decoded = jwt.decode(token, forge.MATERIAL, algorithms=["HS256"], audience="shop", issuer="gateway")
    assert decoded["aud"] == "shop"


def test_documented_service_code_accepts_our_token(caller: Any) -> None:
    assert caller(forge.access_tokens().issue(forge.SUBJECT).token)["role"] == "user"


def test_documented_service_code_refuses_a_refresh_token(caller: Any) -> None:
    first = forge.refresh_tokens().first(user_id=forge.USER, session_id="s", issued_at=1, expires_at=forge.NOW + 60)
    with pytest.raises(jwt.InvalidSignatureError):
        caller(first.token)


def test_documented_service_code_refuses_other_kinds_of_token(caller: Any) -> None:
    with pytest.raises(PermissionError):
        caller(forge.with_claims(token_type="invitation").decode())
