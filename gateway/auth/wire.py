"""The success envelope of `/auth` and what every answer there carries."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import JSONResponse

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}


def success(body: Mapping[str, Any], request_id: str) -> JSONResponse:
    """`200 {"statusCode": 200, "body": {…}}`; tokens must not be kept by caches (RFC 6749 section 5.1)."""
    return JSONResponse({"statusCode": 200, "body": dict(body)}, headers={**NO_STORE, "X-Request-Id": request_id})


def public_keys(document: Mapping[str, Any]) -> JSONResponse:
    """A JWK set (RFC 7517), which verifiers may keep for five minutes."""
    return JSONResponse(
        dict(document),
        headers={"Cache-Control": "public, max-age=300"},
        media_type="application/jwk-set+json",
    )
