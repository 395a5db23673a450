"""`*_file` keys: secrets that are kept in files of their own, as container platforms mount them."""

import base64
import secrets
from pathlib import Path as FilePath
from typing import Final

from gateway.config.reading import LARGEST_SECRET, read_file
from gateway.config.scalars import BROKEN, shown
from gateway.config.source import Path, Source

KEYS_WITH_FILES: Final[tuple[Path, ...]] = (
    ("tokens", "secret"),
    ("sessions", "store"),
    ("accounts", "database"),
    ("accounts", "bootstrap_admin", "password"),
)
SIGNING_SECRET: Final[Path] = ("tokens", "secret")


def stand_in_for_the_secret(source: Source) -> None:
    """Put a secret that nobody has in the place of the signing secret, whether that is given or not."""
    tokens = source.at(("tokens",))
    if isinstance(tokens, dict):
        tokens.pop("secret_file", None)
        tokens["secret"] = base64.b64encode(secrets.token_bytes(32)).decode()


def fill_from_files(source: Source, folder: FilePath) -> None:
    """Put the content of each file under the key it stands for; relative paths start at `folder`.

    One newline at the end of the file is not part of the secret.
    """
    for path in KEYS_WITH_FILES:
        section, key = source.at(path[:-1]), str(path[-1])
        beside = (*path[:-1], f"{key}_file")
        named = source.at(beside)
        if isinstance(section, dict) and isinstance(named, str) and named:
            source.values[path] = source.value_mark(beside)
            section[key] = _content(source, beside, named, folder, given=section.get(key) is not None)


def _content(source: Source, path: Path, named: str, folder: FilePath, *, given: bool) -> object:
    name = str(path[-1])
    if given:
        source.error(path, f"give either `{name.removesuffix('_file')}` or `{name}`, not both")
        return BROKEN
    try:
        raw = read_file(folder / named, LARGEST_SECRET)
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        source.error(path, f"`{name}`: the file {shown(named)} is not valid UTF-8")
        return BROKEN
    except (OSError, ValueError) as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be read"
        source.error(path, f"`{name}`: the file {shown(named)} {why}", "relative paths start at the config file")
        return BROKEN
    if len(raw) > LARGEST_SECRET or "\0" in text:
        source.error(path, f"`{name}`: the file {shown(named)} does not hold a secret")
        return BROKEN
    return text.removesuffix("\n").removesuffix("\r")
