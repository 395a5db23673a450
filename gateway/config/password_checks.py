"""Rules for passwords that are allowed, and hardly meant."""

from typing import Final

from gateway.config.models_accounts import AccountSettings
from gateway.config.source import Source

_FEWEST: Final = 8
"""NIST SP 800-63B section 5.1.1.2 asks for at least as many characters of a password that people choose."""


def check_passwords(source: Source, accounts: AccountSettings | None) -> None:
    """Warn of passwords that can be guessed."""
    if accounts is not None and accounts.password.min_length < _FEWEST:
        message = f"accounts.password.min_length: passwords of fewer than {_FEWEST} characters are soon guessed"
        source.warn(("accounts", "password", "min_length"), message, f"ask for {_FEWEST} or more")
