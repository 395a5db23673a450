"""Each section of the data through its model, so that one bad section hides nothing in another."""

import types
from collections.abc import Iterable
from typing import Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from gateway.config.document import Document
from gateway.config.fields import Section
from gateway.config.labels import label
from gateway.config.scalars import BROKEN, printable
from gateway.config.source import Path, Source, did_you_mean
from gateway.config.words import is_name

S = TypeVar("S", bound=Section)
Parts = dict[str, Any]
"""The sections by key; a model that was refused is None."""

_SENTENCES: Final = {
    "tuple_type": ("must be a list", "write [one, two], or one `- item` a line"),
    "dict_type": ("must be a mapping of keys to values", ""),
    "model_type": ("must be a mapping of keys to values", ""),
}


def read_sections(source: Source) -> Parts:
    """All of the file's sections, with every problem of form reported."""
    data = source.data if isinstance(source.data, dict) else {}
    for key in data:
        if key not in Document.model_fields:
            _unknown_key(source, (key,), Document)
    return {name: _read_part(source, name, field.annotation) for name, field in Document.model_fields.items()}


def read_section(source: Source, model: type[S], path: Path) -> S | None:
    """One mapping through its model; None when a problem was reported."""
    try:
        return model.model_validate(source.at(path))
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            _report(source, model, path, one["type"], one["loc"], one.get("ctx", {}))
        return None


def _read_part(source: Source, name: str, annotation: Any) -> Any:
    if source.at((name,)) is BROKEN:
        return None
    kind, inner = get_origin(annotation), get_args(annotation)
    if kind is tuple:
        return tuple(_read_list(source, name, inner[0]))
    if kind is dict:
        return dict(_read_mapping(source, name, inner[1]))
    return read_section(source, annotation, (name,))


def _read_list(source: Source, name: str, model: type[Section]) -> Iterable[Section | None]:
    found = source.at((name,))
    if found is not None and not isinstance(found, list):
        source.error((name,), f"{name} must be a list", "start each entry with `- `")
    elif found is None and _is_required(name):
        source.error((), f'the key "{name}" is missing', _about(Document.model_fields[name]))
    for index in range(len(found) if isinstance(found, list) else 0):
        yield read_section(source, model, (name, index))


def _read_mapping(source: Source, name: str, model: type[Section]) -> Iterable[tuple[str, Section | None]]:
    found = source.at((name,))
    if found is not None and not isinstance(found, dict):
        source.error((name,), f"{name} must be a mapping of names to settings")
    elif found is None and _is_required(name):
        source.error((), f'the key "{name}" is missing', _about(Document.model_fields[name]))
    for key in found if isinstance(found, dict) else ():
        if not is_name(key):
            source.error(
                source.key_mark((name, key)),
                f"{name}: {printable(key)} is not a name",
                "use letters, digits, - _ .",
            )
        yield key, read_section(source, model, (name, key))


def _is_required(name: str) -> bool:
    return Document.model_fields[name].is_required()


def _about(field: FieldInfo | None) -> str:
    """What a key is for, in the words of the reference."""
    text = (field.description or "") if field else ""
    return text[:1].lower() + text[1:].removesuffix(".")


def _report(source: Source, model: type[BaseModel], base: Path, kind: str, loc: Path, context: dict[str, Any]) -> None:
    path = (*base, *loc)
    if source.at(path) is BROKEN:
        return
    if kind == "extra_forbidden":
        _unknown_key(source, path, _model_at(model, loc[:-1]))
    elif kind == "missing":
        around = _model_at(model, loc[:-1])
        hint = _about(around.model_fields.get(str(path[-1]))) if around else ""
        source.error(source.key_mark(path[:-1]), f'{label(source, path[:-1])}: the key "{path[-1]}" is missing', hint)
    elif kind == "unfit":
        source.error(path, f"{label(source, path)}: {context['message']}", context["hint"])
    else:
        message, hint = _SENTENCES.get(kind, ("is not valid", ""))
        source.error(path, f"{label(source, path)}: {message}", hint)


def _unknown_key(source: Source, path: Path, model: type[BaseModel] | None) -> None:
    key = str(path[-1])
    known = [field.alias or name for name, field in model.model_fields.items()] if model else []
    about = f"{label(source, path[:-1])}: " if len(path) > 1 else ""
    message = f"{about}unknown key {printable(key)}"
    source.error(source.key_mark(path), message, did_you_mean(key, known, "known keys"))


def _model_at(model: type[BaseModel], loc: Path) -> type[BaseModel] | None:
    """The model that an error's location leads to, through optional fields, lists and mappings."""
    found: type[BaseModel] | None = model
    for step in loc:
        if isinstance(step, str) and found is not None:
            by_key = {field.alias or name: field for name, field in found.model_fields.items()}
            found = _model_in(by_key[step].annotation) if step in by_key else found
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType, tuple, dict):
        return next(filter(None, map(_model_in, get_args(annotation))), None)
    return None
