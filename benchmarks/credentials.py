"""The one secret of a run, who asks, and what for."""

import base64

# Text, because HAProxy takes its secret as text; it protects nothing but this run.
SECRET = "benchmarks-0123456789-abcdefghijklmnop"  # noqa: S105
ENCODED_SECRET = base64.b64encode(SECRET.encode()).decode()
ADMIN = {"email": "admin@example.com", "password": "admin-password"}
USER = {"email": "user@example.com", "password": "user-password", "display_name": "Test User"}
PATH = "/api/orders/7"


def spoiled(token: str) -> str:
    """The same token with a signature that is not right."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[::-1]}"
