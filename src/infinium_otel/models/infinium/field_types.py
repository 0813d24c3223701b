"""Remove values of the wrong type from a task that anyone may have made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.models.spans import as_number, as_text

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def drop_mistyped(record: T) -> T:
    """A copy of one of Infinium's records in which every value has its field's type.

    A value of another type becomes None, or empty where the field is required:
    loading a task checks only the shape of its JSON.
    """
    values = {
        each.name: _value(each, getattr(record, each.name))
        for each in fields(record)  # type: ignore[arg-type]  # the callers' T are dataclasses
    }
    return replace(record, **values)  # type: ignore[type-var]  # as above


def _value(each: Field[Any], value: Any) -> Any:
    if is_dataclass(value):
        return drop_mistyped(value)
    loader = _LOADERS.get(str(each.type).removesuffix(" | None"), _as_records)
    found = loader(value)
    return _EMPTY.get(each.type) if found is None else found


def _as_records(value: Any) -> Any:
    """Records in a list; any other value is unchanged, for the sections."""
    if not isinstance(value, list):
        return value
    return [drop_mistyped(item) if is_dataclass(item) else item for item in value]


def _as_named(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    return {str(key): item for key, item in value.items()}


def _as_tags(value: Any) -> dict[str, str]:
    tags = _as_named(value) or {}
    return {key: tag for key, tag in tags.items() if isinstance(tag, str)}


_LOADERS: dict[str, Callable[[Any], Any]] = {
    "str": as_text,
    "int": as_number,
    "float": as_number,
    "dict[str, Any]": _as_named,
    "dict[str, str]": _as_tags,
}

_EMPTY: dict[Any, Any] = {"str": "", "int": 0, "float": 0.0}
