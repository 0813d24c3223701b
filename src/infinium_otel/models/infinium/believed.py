"""A task of anybody's, with only such values as its fields are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from infinium_otel.models.spans import number, text

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def believed(record: T) -> T:
    """A copy of a record of Infinium's whose values are of their fields' types.

    What is of another type is None, or empty where the field must be there: of a
    task's JSON only the shape was checked.
    """
    told = {
        each.name: _value(each, getattr(record, each.name))
        for each in fields(record)  # type: ignore[arg-type]  # the callers' T are dataclasses
    }
    return replace(record, **told)  # type: ignore[type-var]  # likewise


def _value(each: Field[Any], value: Any) -> Any:
    if is_dataclass(value):
        return believed(value)
    loader = _LOADERS.get(str(each.type).removesuffix(" | None"), _many)
    found = loader(value)
    return _EMPTY.get(each.type) if found is None else found


def _many(value: Any) -> Any:
    """Records in a list; anything else is for sections, which take what they find."""
    if not isinstance(value, list):
        return value
    return [believed(item) if is_dataclass(item) else item for item in value]


def _named(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        return None
    return {str(key): item for key, item in value.items()}


def _tags(value: Any) -> dict[str, str]:
    tags = _named(value) or {}
    return {key: tag for key, tag in tags.items() if isinstance(tag, str)}


_LOADERS: dict[str, Callable[[Any], Any]] = {
    "str": text,
    "int": number,
    "float": number,
    "dict[str, Any]": _named,
    "dict[str, str]": _tags,
}

_EMPTY: dict[Any, Any] = {"str": "", "int": 0, "float": 0.0}
