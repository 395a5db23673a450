"""`accounts:` users, passwords, registration; `roles:` what they may be."""

from typing import Annotated, Literal

from gateway.config.fields import (
    AccountUrl,
    Email,
    Flag,
    Name,
    OneOf,
    OptionalSecret,
    OptionalText,
    Rate,
    Section,
    setting,
    whole,
)


class PasswordSettings(Section):
    """What a new password has to be."""

    min_length: Annotated[int, whole(1, 256)] = setting(8, "The fewest characters of a new password.")
    reject_common: Flag = setting(True, "Whether passwords known from leaks are refused.")


class BootstrapAdmin(Section):
    """The first administrator, made at start when there is no such account yet."""

    email: Email = setting(None, "The administrator's email address; empty: none is made.")
    password: OptionalSecret = setting(None, "The administrator's first password.")
    password_file: OptionalText = setting(None, "A file that holds the password, instead of `password`.")


class ThrottleSettings(Section):
    """How often one may try."""

    login_account: Rate = setting("10/15m", "Failed logins for one account.")
    login_address: Rate = setting("100/15m", "Failed logins from one address.")
    register_address: Rate = setting("100/h", "Registrations from one address.")
    refresh_session: Rate = setting("60/m", "Refreshes of one session.")


class AccountSettings(Section):
    """Users, passwords and registration."""

    database: AccountUrl = setting("sqlite:///data/gateway.db", "The account database: an sqlite or postgresql URL.")
    database_file: OptionalText = setting(None, "A file that holds the URL, instead of `database`.")
    registration: Annotated[Literal["open", "closed"], OneOf()] = setting(
        "open", "Whether anyone may register, or accounts are made by administrators only."
    )
    password: PasswordSettings = setting({}, "What a new password has to be.")
    bootstrap_admin: BootstrapAdmin = setting(
        {}, "The first administrator, made at start when there is no such account yet."
    )
    throttle: ThrottleSettings = setting({}, "How often one may try to log in, register or refresh.")


class RoleSettings(Section):
    """A role."""

    includes: tuple[Name, ...] = setting([], "Roles whose rights this one has too.")
