"""What the demo prints once it is ready: addresses, accounts, and commands that work as they stand."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

VISITOR = {"email": "test@example.com", "password": "password123", "display_name": "Test User"}


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the demo; its password is printed, because it was made to be tried out."""

    email: str
    password: str
    role: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where this demo answers (`url`, `management`), the folder that it keeps its state in, and the command
    that lists its accounts."""

    url: str
    management: str
    folder: str
    users: str


def banner(place: Place, admin: Account, user: Account) -> str:
    """Everything a first try needs, as text for standard output; commands are indented by two spaces."""
    width = max(len(admin.email), len(user.email))
    lines = [
        f"Gateway is ready at {place.url}",
        f"Health and metrics: {place.management}/readyz {place.management}/metrics",
        "",
        *(f"{a.role:<5}  {a.email:<{width}}  password {a.password}" for a in (admin, user)),
        "",
        f"Accounts, sessions and the signing secret are kept in {place.folder}; delete it to start afresh.",
        f"List the accounts with: {place.users}",
        "Ctrl-C stops everything. Until then, paste these into another terminal, in this order.",
    ]
    for title, *commands in steps(place.url, admin):
        lines += ["", f"{title}:", *(f"  {command}" for command in commands)]
    return "\n".join(lines)


def steps(url: str, admin: Account) -> Iterable[tuple[str, ...]]:
    """The first visit: a title and its shell commands each. Later ones use variables set by earlier ones."""
    visitor = {"email": VISITOR["email"], "password": VISITOR["password"]}
    own = _bearer("TOKEN")
    order = {"item": "tea", "quantity": 2}
    yield "Make an account", _post(f"{url}/auth/register", VISITOR)
    yield (
        "Log in, and take the tokens and the user id out of the answer",
        f"LOGIN=$({_post(f'{url}/auth/login', visitor)})",
        _take("TOKEN", "access_token", "$LOGIN"),
        _take("REFRESH", "refresh_token", "$LOGIN"),
        _take("ME", "user_id", "$LOGIN"),
    )
    yield "See whose token it is", _curl(f"{url}/auth/me", own)
    refresh = '-d "{\\"refresh_token\\": \\"$REFRESH\\"}"'
    yield "A new pair of tokens", _curl(f"{url}/auth/refresh", _JSON, refresh)
    yield "A public route", _curl(f"{url}/api/catalogue")
    yield "A protected route without a token (401)", _curl(f"{url}/api/orders")
    yield "The same with the token: order something", _post(f"{url}/api/orders", order, own)
    yield "The orders of one user, for that user and for admins", _curl(f"{url}/api/orders/$ME", own)
    yield "An admin route as a user (403)", _curl(f"{url}/api/orders/admin/report", own)
    login = _post(f"{url}/auth/login", {"email": admin.email, "password": admin.password})
    yield (
        "The same as the admin",
        _take("ADMIN", "access_token", f"$({login})"),
        _curl(f"{url}/api/orders/admin/report", _bearer("ADMIN")),
    )


_JSON = "-H 'Content-Type: application/json'"


def _bearer(variable: str) -> str:
    return f'-H "Authorization: Bearer ${variable}"'


def _curl(*arguments: str) -> str:
    return " ".join(("curl -s -w '\\n'", *arguments))


def _post(url: str, body: Mapping[str, object], *arguments: str) -> str:
    return _curl(url, *arguments, _JSON, f"-d '{json.dumps(body)}'")


def _take(variable: str, field: str, text: str) -> str:
    """Shell that cuts one text field out of JSON with what every system has."""
    return f"""{variable}=$(printf %s "{text}" | sed 's/.*"{field}": *"\\([^"]*\\)".*/\\1/')"""
