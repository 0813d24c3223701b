"""Load another system's JSON into a dataclass, tolerantly, and dump it again.

The dataclass is the schema: a field's metadata `wire` is its name in JSON, its
annotation gives the accepted type, and the metadata `OMIT_NULL` marks a field that the
vendor does not accept as null. A field called `other` keeps unknown keys and values of
the wrong type. `closed = True` marks a class whose vendor counterpart rejects unknown
keys; `dump` does not write `other` for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from infinium_otel.errors import InfiniumError
from infinium_otel.models.spans import (
    as_bool,
    as_int,
    as_number,
    as_text,
    is_endless,
    to_plain,
)
from infinium_otel.records import NOTHING

T = TypeVar("T")
Loader = Callable[[Any], Any]

MAX_DEPTH = 100
"""Lists inside each other that are looked into."""

OMIT_NULL = {"unsaid": True}
"""Metadata of a field that is omitted when it is None: the vendor rejects null."""


def when_missing(make: Callable[[], Any]) -> dict[str, Any]:
    """Metadata of a required field whose JSON may lack it all the same.

    The vendor's class requires the field, and so does ours; *make* gives the value for
    JSON without it, so that an incomplete file can still be read.
    """
    return {"missing": make}


def empty_mapping() -> Mapping[str, Any]:
    """The empty mapping, as a default."""
    return NOTHING


def other_keys() -> Any:
    """A field for the keys and values that the class does not define."""
    return field(default_factory=empty_mapping, repr=False)


def fill(cls: type[T], mapping: Any, **nested: Loader) -> T:
    """Build an instance of *cls* from its JSON object.

    Null selects the field's default. A value of the wrong type counts as absent and is
    kept in `other`.

    Args:
        cls: a dataclass with a field `other`.
        mapping: the JSON object.
        nested: loaders for the fields that hold records; a loader may raise
            `InfiniumError`.

    Raises:
        InfiniumError: *mapping* is not a JSON object, or a required field is missing.
    """
    if not isinstance(mapping, Mapping):
        raise InfiniumError(f"{cls.__name__} must be a JSON object", field=cls.__name__)
    left = dict(mapping)
    values: dict[str, Any] = {}
    for each in fields(cls):  # type: ignore[arg-type]  # the callers' T are dataclasses
        if each.name != "other":
            found = _take(each, left, nested.get(each.name))
            if found is not None:
                values[each.name] = found
            elif "missing" in each.metadata:
                values[each.name] = each.metadata["missing"]()
            elif _is_required(each):
                raise InfiniumError(
                    f"{cls.__name__} is missing {wire_name(each)}",
                    field=wire_name(each),
                )
    values["other"] = left
    return cls(**values)


def wire_name(each: Field[Any]) -> str:
    """A field's name in JSON."""
    return str(each.metadata.get("wire", each.name))


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _take(each: Field[Any], left: dict[str, Any], nested: Loader | None) -> Any:
    name = wire_name(each)
    value = left.get(name)
    kind = str(each.type).removesuffix(" | None")
    loader = nested or _PLAIN.get(kind)
    found = loader(value) if loader and value is not None else value
    if found is not None or value is None:
        left.pop(name, None)
    return found


def as_mapping(value: Any) -> Mapping[str, Any] | None:
    """A loader: a JSON object unchanged; None for anything else."""
    return dict(value) if isinstance(value, Mapping) else None


def as_list(value: Any) -> tuple[Any, ...] | None:
    """A loader: a JSON list as a tuple; None for anything else."""
    return tuple(value) if isinstance(value, (list, tuple)) else None


def as_texts(value: Any) -> tuple[str, ...] | None:
    """A loader: a JSON list of strings; None for anything else."""
    found = as_list(value)
    if found is None or not all(isinstance(item, str) for item in found):
        return None
    return found


_PLAIN: dict[str, Loader] = {
    "str": as_text,
    "bool": as_bool,
    "int": as_int,
    "float": as_number,
    "Mapping[str, Any]": as_mapping,
    "tuple[Any, ...]": as_list,
    "tuple[str, ...]": as_texts,
}


def load_each(loader: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...] | None]:
    """A loader that applies *loader* to each item of a JSON list.

    It returns None for anything that is not a list.
    """

    def load(value: Any) -> tuple[T, ...] | None:
        found = as_list(value)
        return None if found is None else tuple(loader(item) for item in found)

    return load


def normalize_values(record: T) -> T:
    """Replace the times and enumeration members in a record's fields.

    A `datetime` becomes ISO 8601 text, a member of an enumeration its value, at every
    level of nested records. The vendors' own classes use both, our records use text.

    Returns:
        *record* itself if nothing had to be replaced.
    """
    changed = {
        each.name: after
        for each in fields(record)  # type: ignore[arg-type]  # the callers' T are dataclasses
        if (after := _normalize(before := getattr(record, each.name))) is not before
    }
    return replace(record, **changed) if changed else record  # type: ignore[type-var]  # as above


def _normalize(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:  # `dump` and `to_plain` cut it there
        return value
    if isinstance(value, (datetime, Enum)):
        return to_plain(value)
    if is_dataclass(value) and not isinstance(value, type):
        return normalize_values(value)
    if isinstance(value, (list, tuple)):
        items = [_normalize(item, depth + 1) for item in value]
        same = all(after is before for after, before in zip(items, value, strict=True))
        return value if same else tuple(items)
    return value


def dump(value: Any, *, nulls: bool = True, above: tuple[int, ...] = ()) -> Any:
    """A record as JSON, under the vendor's names.

    The keys of `other` come last, unless the class is closed. Free values are cut where
    `to_plain` cuts them.

    Args:
        value: a record, or anything that holds records.
        nulls: False omits a record's fields that are None, as vendors do on the wire;
            nulls inside a free mapping stay.
        above: the ids of the free containers around it.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return _dump_record(value, nulls=nulls)
    if not isinstance(value, (Mapping, list, tuple)):
        return to_plain(value, above)
    if is_endless(value, above):
        return None
    above = (*above, id(value))
    if isinstance(value, Mapping):
        return {str(k): dump(v, nulls=nulls, above=above) for k, v in value.items()}
    return [dump(item, nulls=nulls, above=above) for item in value]


def _dump_record(value: Any, *, nulls: bool) -> dict[str, Any]:
    dumped = {
        wire_name(each): dump(getattr(value, each.name), nulls=nulls)
        for each in fields(value)
        if each.name != "other" and not _is_omitted(each, value, nulls=nulls)
    }
    if getattr(value, "closed", False):
        return dumped
    return {**dumped, **{key: dump(item) for key, item in value.other.items()}}


def _is_omitted(each: Field[Any], value: Any, *, nulls: bool) -> bool:
    return getattr(value, each.name) is None and (
        not nulls or "unsaid" in each.metadata
    )


def drop_all_nulls(value: Any) -> Any:
    """Remove the keys whose value is null from a dumped value, at every level."""
    if isinstance(value, dict):
        return {
            key: drop_all_nulls(item) for key, item in value.items() if item is not None
        }
    if isinstance(value, list):
        return [drop_all_nulls(item) for item in value]
    return value
