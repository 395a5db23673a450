"""A store that cannot be asked, as operators are told: which one, under which key, where, why, and what to do."""

from gateway.config.settings import Settings
from gateway.errors import StoreUnavailable


def sentence(settings: Settings, error: StoreUnavailable) -> str:
    """Of the URL without user, password and options."""
    if error.store == "accounts":
        name, key, url = "account database", "accounts.database", settings.accounts.database
    else:
        name, key, url = "session store", "sessions.store", settings.sessions.store
    return f"the {name} ({key}, {url}) {error.why}"


def told(settings: Settings, error: StoreUnavailable) -> str:
    """The sentence, and the hint below it."""
    return sentence(settings, error) + (f"\n   hint  {error.hint}" if error.hint else "")


def explained(settings: Settings, error: Exception) -> str:
    """What kept the gateway from starting."""
    if isinstance(error, StoreUnavailable):
        return told(settings, error)
    return f"cannot start: {error}"
