"""Mappings to Infinium's types, nested ones too."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from infinium_otel.errors import ValidationError
from infinium_otel.taskdata.encoding import PROMPT_STUDIO
from infinium_otel.taskdata.types import SECTIONS, TaskData
from infinium_otel.taskdata.values import describe

T = TypeVar("T")

SHOWN_KEY_LENGTH = 80


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    required: bool
    kind: type[Any] | None
    many: bool


def task_from_dict(mapping: Mapping[str, Any]) -> TaskData:
    """The task that *mapping* describes: the inverse of `task_to_dict`.

    Args:
        mapping: the JSON object of a task. Sections may also be at its top level, as
            on the dataclass.

    Raises:
        ValidationError: a required field is missing, or a value that must be an
            object is not; `field` names it.
    """
    if not isinstance(mapping, Mapping):
        raise ValidationError("TaskData: must be an object", field="TaskData")
    flat = {k: v for k, v in mapping.items() if k not in ("sections", "prompt_studio")}
    sections = mapping.get("sections")
    if sections is not None and not isinstance(sections, Mapping):
        raise ValidationError("sections: must be an object", field="sections")
    for name, section in (sections or {}).items():
        if name in SECTIONS:
            flat[name] = section
        else:
            _warn("sections", name)
    task = coerce(flat, TaskData)
    if mapping.get("prompt_studio") is not None:
        setattr(task, PROMPT_STUDIO, mapping["prompt_studio"])
    return task


def coerce(value: Any, kind: type[T], *, path: str = "") -> T:
    """*value* as a *kind*, with all nested dataclasses coerced too.

    An unknown key goes into `metadata` if *kind* has that field; otherwise it is dropped
    with a warning that names class and key.

    Args:
        value: a mapping, an instance, or another library's dataclass of this shape.
        kind: the dataclass wanted.
        path: where the value is, for messages; "" at the top.

    Raises:
        ValidationError: a required field is missing or *value* is not an object.
    """
    if isinstance(value, kind):
        return _complete(value, path)
    if is_dataclass(value) and not isinstance(value, type):
        return _convert(value, kind, path)
    if not isinstance(value, Mapping):
        where = path or kind.__name__
        raise ValidationError(f"{where}: must be an object", field=where)
    return kind(**_read_arguments(value, kind, path))


def _convert(value: Any, kind: type[T], path: str) -> T:
    """Convert another library's dataclass, field by field, with its hidden prompts."""
    given = {
        f.name: item
        for f in fields(value)
        if (item := getattr(value, f.name)) is not None
    }
    result = coerce(given, kind, path=path)
    hidden = getattr(value, PROMPT_STUDIO, None)
    if hidden is not None:
        setattr(result, PROMPT_STUDIO, hidden)
    return result


def _read_arguments(
    value: Mapping[Any, Any], kind: type[Any], path: str
) -> dict[str, Any]:
    """Arguments for the constructor of *kind*."""
    arguments = {}
    for f in _get_fields(kind).values():
        where = _join_path(path, f.name)
        if f.name in value:
            arguments[f.name] = _coerce_value(value[f.name], f, where)
        elif f.required:
            raise ValidationError(f"{where}: missing", field=where)
    _place_unknown(value, kind, arguments)
    return arguments


def _place_unknown(
    value: Mapping[Any, Any], kind: type[Any], arguments: dict[str, Any]
) -> None:
    known = _get_fields(kind)
    unknown = {name: item for name, item in value.items() if name not in known}
    if not unknown:
        return
    metadata = arguments.get("metadata")
    if "metadata" in known and (metadata is None or isinstance(metadata, Mapping)):
        arguments["metadata"] = unknown | dict(metadata or {})
        return
    for name in unknown:
        _warn(kind.__name__, name)


def _complete(value: T, path: str) -> T:
    """*value* with its nested mappings coerced, in place."""
    for f in _get_fields(type(value)).values():
        if f.kind is None:
            continue
        given = getattr(value, f.name)
        if given is not None:
            setattr(value, f.name, _coerce_value(given, f, _join_path(path, f.name)))
    return value


def _coerce_value(given: Any, f: _Field, where: str) -> Any:
    if given is None or f.kind is None:
        return given
    if not f.many:
        return coerce(given, f.kind, path=where)
    if not isinstance(given, (list, tuple)):
        raise ValidationError(f"{where}: must be a list", field=where)
    return [
        coerce(item, f.kind, path=f"{where}[{number}]")
        for number, item in enumerate(given)
        if item is not None
    ]


_FIELDS: dict[type[Any], dict[str, _Field]] = {}
"""Fields by class, read once."""


def _get_fields(kind: type[Any]) -> dict[str, _Field]:
    if kind not in _FIELDS:
        _FIELDS[kind] = _read_fields(kind)
    return _FIELDS[kind]


def _read_fields(kind: type[Any]) -> dict[str, _Field]:
    hints = get_type_hints(kind)
    by_name = {}
    for f in fields(kind):
        required = f.default is MISSING and f.default_factory is MISSING
        by_name[f.name] = _Field(f.name, required, *_find_dataclass(hints[f.name]))
    return by_name


def _find_dataclass(hint: Any) -> tuple[Any, bool]:
    """The dataclass inside a type hint, and whether in a list; None if there is none."""
    for part in (hint, *get_args(hint)):
        if isinstance(part, type) and is_dataclass(part):
            return part, False
        inner = get_args(part)
        if len(inner) == 1 and is_dataclass(inner[0]):
            return inner[0], True
    return None, False


def _join_path(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _warn(owner: str, name: Any) -> None:
    shown = describe(name)[:SHOWN_KEY_LENGTH]
    warnings.warn(f"{owner}: unknown key {shown!r} dropped", stacklevel=2)
