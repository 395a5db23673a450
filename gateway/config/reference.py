"""docs/configuration.md, made from the models: `python -m gateway.config.reference > docs/configuration.md`."""

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from gateway.config.access_schema import ACCESS_RULE
from gateway.config.document import Document
from gateway.config.fields import Reader, Section
from gateway.config.pending import not_in_force, partly_in_force

_HEAD: Final = """# Configuration reference

Made from the gateway's own models by `python -m gateway.config.reference`; a test keeps it up to date. The same
as a JSON Schema for editors: `gateway config schema`. What is in force and where it comes from: `gateway config
show`. Every mistake at once, with line and column: `gateway check`.

Only `tokens.secret`, `upstreams` and `routes` are needed; `gateway check` reports all else that is missing.

- **Durations** are numbers with a unit: `500ms`, `10s`, `30m`, `1h30m`, `7d`. **Sizes** too: `64KiB`, `10MiB`.
  **Rates** are a count and a period: `100/m`, `10/15m`.
- **`${NAME}`** in a value is replaced by the environment variable; **`${NAME:-default}`** has a default for a
  variable that is unset or empty; `$${` is a literal `${`. Keys are never replaced.
- **`…_file`** keys name a file that holds the secret.
- **Relative paths** of such files, of certificates and of SQLite databases start at the folder of the
  configuration file.
- **Stores**: `sqlite:///relative/path`, `sqlite:////absolute/path`, `redis://user:password@host:6379/0`
  (`rediss://` for TLS), `postgresql://user:password@host:5432/name`, which needs `pip install 'gateway[postgres]'`.
- **Text that YAML would read as something else** (`no`, `on`, `12:30`, `010`) has to be quoted.
- A key that is **not available yet** is refused, never ignored.

A signing secret: `export JWT_SECRET_KEY=$(openssl rand -base64 32)`.
"""
_TABLE: Final = "| key | value | default | meaning |\n|---|---|---|---|"


def render() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, field in Document.model_fields.items():
        rows = list(_rows(field.annotation, (name, *_inside(field.annotation))))
        parts.append(f"## {name}\n\n{field.description}\n\n{_TABLE}\n" + "\n".join(rows) + "\n")
        if name == "routes":
            parts.append(_access())
    return "\n".join(parts)


def _access() -> str:
    rules = ACCESS_RULE["properties"]
    rows = [f"| `{name}` | {rule['description']} |" for name, rule in rules.items()]
    head = (
        "### access\n\n`public`: anyone, nobody's identity is looked at. `optional`: anyone, but a token that is "
        "sent must be good. `authenticated`:\nany verified caller. Or a mapping, which holds when all its keys "
        "hold:\n\n| key | holds when |\n|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def _rows(annotation: Any, path: tuple[str, ...]) -> Iterator[str]:
    model = _model(annotation)
    for name, field in model.model_fields.items() if model else ():
        here = (*path, field.alias or name)
        if _model(field.annotation) is not None:
            yield from _rows(field.annotation, (*here, *_inside(field.annotation)))
        else:
            yield _row(here, field)


def _row(path: tuple[str, ...], field: FieldInfo) -> str:
    steps = tuple("*" if step.startswith("<") else step for step in path)
    meaning = field.description or ""
    if not_in_force(steps):
        meaning += " *Not available yet.*"
    elif lacking := partly_in_force(steps):
        meaning += f" *Not available yet: {lacking}.*"
    return f"| `{'.'.join(path)}` | {_kind(field)} | {_default(field)} | {meaning} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default in (None, [], {}):
        return "–"
    return f"`{field.default if isinstance(field.default, str) else json.dumps(field.default)}`"


def _kind(field: FieldInfo) -> str:
    return _kind_of(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)


def _kind_of(annotation: Any) -> str:
    """In words: the reader's own, a list or mapping of such, or the words of a Literal."""
    origin, args = get_origin(annotation), get_args(annotation)
    readers = [one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, Reader)]
    if readers:
        return readers[0].kind
    if origin is Annotated:
        return _kind_of(args[0])
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in args)
    if origin is tuple:
        return f"list of {_kind_of(args[0])}"
    if origin is dict:
        return f"mapping to {_kind_of(args[1])}"
    return " or ".join(_kind_of(arg) for arg in args if arg is not type(None)) or "text"


def _inside(annotation: Any) -> tuple[str, ...]:
    origin = get_origin(annotation)
    return ("<n>",) if origin is tuple else ("<name>",) if origin is dict else ()


def _model(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next(filter(None, map(_model, get_args(annotation))), None)


if __name__ == "__main__":
    sys.stdout.write(render())
