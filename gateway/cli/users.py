"""`gateway users`: accounts from the command line, for the first admin and for the day nobody can log in."""

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.accounts.emails import check_email
from gateway.accounts.names import check_display_name
from gateway.accounts.user import User
from gateway.cli import user_changes
from gateway.cli.common import (
    STDIN,
    Exit,
    answer,
    answer_json,
    config_option,
    json_option,
    load_or_exit,
    refuse,
    say,
)
from gateway.cli.table import columns
from gateway.config.settings import Settings
from gateway.errors import Refusal, StoreUnavailable
from gateway.outage import sentence

_T = TypeVar("_T")
_LONGEST_LINE = 4096


@click.group("users")
def command() -> None:
    """Accounts: add, list, change the role, switch off and on.

    USER is an email address or a user id. Running gateways follow within a second. The signing secret is not
    needed. What was changed is also written as an event, one line of JSON, to standard error.

    \b
    Exit codes: 0 done, 1 refused (or the configuration has problems), 2 usage or file missing,
    3 a database or the session store is unreachable.

    \b
    Example:
      gateway users add ann@example.com --role admin --password-stdin < password.txt
    """


@command.command("add")
@click.argument("email")
@click.option("--name", help="Display name; without it, the part of the address before the @-sign.")
@click.option("--role", default="user", show_default=True, help="One of the roles in the configuration.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@config_option
@json_option
def add(email: str, name: str | None, role: str, password_stdin: bool, config: Path, as_json: bool) -> None:
    """Make an account. Asks for the password, unless --password-stdin."""
    if password_stdin and config == STDIN:
        raise click.UsageError("standard input holds either the configuration or the password")
    settings = _load(config, as_json)
    name = email.partition("@")[0] if name is None else name
    if complaint := check_email(email) or check_display_name(name):
        raise click.UsageError(complaint)
    _require_role(settings, role)
    password = _password_from_stdin() if password_stdin else _ask_password()
    adding = user_changes.add_user(settings, email=email, display_name=name, role=role, password=password)
    user = _run(settings, as_json, adding)
    _report(user, f"added {user.email} with role {user.role}", as_json)


@command.command("list")
@click.argument("text", default="")
@config_option
@json_option
def list_(text: str, config: Path, as_json: bool) -> None:
    """List the accounts with TEXT in their address or name; without TEXT, all."""
    settings = _load(config, as_json)
    users = _run(settings, as_json, user_changes.list_users(settings, text))
    if as_json:
        answer_json([_shown(user) for user in users])
    elif users:
        answer(_table(users))
    else:
        say("no account matches" if text else "no accounts")


@command.command("role")
@click.argument("user")
@click.argument("role")
@config_option
@json_option
def role(user: str, role: str, config: Path, as_json: bool) -> None:
    """Give USER another ROLE. Nobody is signed out; the new role is in force at once."""
    settings = _load(config, as_json)
    _require_role(settings, role)
    changed = _run(settings, as_json, user_changes.change_role(settings, user, role))
    _report(changed, f"{changed.email} now has role {changed.role}", as_json)


@command.command("disable")
@click.argument("user")
@config_option
@json_option
def disable(user: str, config: Path, as_json: bool) -> None:
    """End all sessions of USER and refuse new logins."""
    settings = _load(config, as_json)
    changed = _run(settings, as_json, user_changes.disable(settings, user))
    _report(changed, f"{changed.email} is disabled, all sessions ended", as_json)


@command.command("enable")
@click.argument("user")
@config_option
@json_option
def enable(user: str, config: Path, as_json: bool) -> None:
    """Let USER log in again."""
    settings = _load(config, as_json)
    changed = _run(settings, as_json, user_changes.enable(settings, user))
    _report(changed, f"{changed.email} is enabled", as_json)


def _load(config: Path, as_json: bool) -> Settings:
    return load_or_exit(config, as_json=as_json, signs=False).settings


def _run(settings: Settings, as_json: bool, work: Coroutine[Any, Any, _T]) -> _T:
    try:
        return asyncio.run(work)
    except StoreUnavailable as error:
        refuse(sentence(settings, error), error.hint, Exit.UNREACHABLE, as_json=as_json)
    except Refusal as refusal:
        refuse(refusal.detail, "", Exit.FINDINGS, as_json=as_json)


def _require_role(settings: Settings, role: str) -> None:
    if role not in settings.roles.includes:
        known = ", ".join(sorted(settings.roles.includes))
        raise click.UsageError(f"the configuration has no role {role!r}; it has {known}")


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise click.UsageError("no terminal to ask for the password on; use --password-stdin")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _password_from_stdin() -> str:
    line = sys.stdin.buffer.readline(_LONGEST_LINE)
    # Only the end of the line goes: a password is taken exactly as it is, blanks included.
    try:
        return line.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise click.UsageError("the password is not UTF-8") from None


def _shown(user: User) -> dict[str, object]:
    fields = asdict(user)
    del fields["password_hash"], fields["epoch"]
    return fields


def _report(user: User, sentence: str, as_json: bool) -> None:
    if as_json:
        answer_json(_shown(user))
    else:
        answer(sentence)


def _table(users: Sequence[User]) -> str:
    heads = ("EMAIL", "NAME", "ROLE", "STATE", "CREATED", "ID")
    rows = [(u.email, u.display_name, u.role, _state(u), _day(u), u.user_id) for u in users]
    return columns(heads, rows)


def _state(user: User) -> str:
    return "disabled" if user.disabled else "enabled"


def _day(user: User) -> str:
    return datetime.fromtimestamp(user.created_at, UTC).date().isoformat()
