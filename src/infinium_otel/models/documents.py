"""Another system's JSON to a dataclass and back, tolerantly.

A dataclass describes itself: a field's metadata `wire` is its name in JSON, its
annotation says which plain values it takes, the metadata `UNSAID` that the vendor
takes no null there, and a field called `other` keeps the keys (and the values of a
wrong type) that the class has no word for. A class with
`closed = True` belongs to a vendor's class that refuses unknown keys, so `dump`
does not write them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields, is_dataclass
from typing import Any, TypeVar

from infinium_otel.errors import InfiniumError
from infinium_otel.models.spans import flag, is_endless, number, plain, text, whole
from infinium_otel.records import NOTHING

T = TypeVar("T")
Loader = Callable[[Any], Any]

UNSAID = {"unsaid": True}
"""The metadata of a field that is never written as null: the vendor takes none there."""


def nothing() -> Mapping[str, Any]:
    """The empty mapping, as a default."""
    return NOTHING


def other_keys() -> Any:
    """The field that keeps what the class has no word for."""
    return field(default_factory=nothing, repr=False)


def fill(cls: type[T], mapping: Any, **nested: Loader) -> T:
    """One instance of *cls* from its JSON object.

    Null where the class has a default is that default; a value of the wrong type is
    as good as absent, and kept in `other`.

    Args:
        cls: a dataclass with a field `other`.
        mapping: the JSON object.
        nested: for fields that hold records: what makes one of a JSON value; it may
            raise `InfiniumError`.

    Raises:
        InfiniumError: no JSON object, or a required field is missing.
    """
    if not isinstance(mapping, Mapping):
        raise InfiniumError(f"{cls.__name__} must be a JSON object", field=cls.__name__)
    left = dict(mapping)
    values: dict[str, Any] = {}
    for each in fields(cls):  # type: ignore[arg-type]  # the callers' T are dataclasses
        if each.name != "other":
            found = _taken(each, left, nested.get(each.name))
            if found is not None:
                values[each.name] = found
            elif _required(each):
                raise InfiniumError(
                    f"{cls.__name__} has no {wire_name(each)}", field=wire_name(each)
                )
    values["other"] = left
    return cls(**values)


def wire_name(each: Field[Any]) -> str:
    """A field's name in JSON."""
    return str(each.metadata.get("wire", each.name))


def _required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _taken(each: Field[Any], left: dict[str, Any], nested: Loader | None) -> Any:
    name = wire_name(each)
    value = left.get(name)
    kind = str(each.type).removesuffix(" | None")
    loader = nested or _PLAIN.get(kind)
    found = loader(value) if loader and value is not None else value
    if found is not None or value is None:
        left.pop(name, None)
    return found


def mapping_of(value: Any) -> Mapping[str, Any] | None:
    """A loader: a JSON object as it stands; None for anything else."""
    return dict(value) if isinstance(value, Mapping) else None


def list_of(value: Any) -> tuple[Any, ...] | None:
    """A loader: a JSON list as it stands; None for anything else."""
    return tuple(value) if isinstance(value, (list, tuple)) else None


def texts_of(value: Any) -> tuple[str, ...] | None:
    """A loader: a JSON list of texts; None for anything else."""
    found = list_of(value)
    if found is None or not all(isinstance(item, str) for item in found):
        return None
    return found


_PLAIN: dict[str, Loader] = {
    "str": text,
    "bool": flag,
    "int": whole,
    "float": number,
    "Mapping[str, Any]": mapping_of,
    "tuple[Any, ...]": list_of,
    "tuple[str, ...]": texts_of,
}


def many(loader: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...] | None]:
    """A loader of a JSON list whose items *loader* makes; None for anything else."""

    def load(value: Any) -> tuple[T, ...] | None:
        found = list_of(value)
        return None if found is None else tuple(loader(item) for item in found)

    return load


def dump(value: Any, *, nulls: bool = True, above: tuple[int, ...] = ()) -> Any:
    """A record as JSON knows it, under the vendor's names.

    What stands in `other` follows, unless the class is closed. A free value ends where
    `plain` ends it.

    Args:
        value: a record, or anything that holds records.
        nulls: False leaves out a record's fields that are None, as vendors do on the
            wire; what is null inside a free mapping stays.
        above: the ids of the free containers around it.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return _dumped(value, nulls=nulls)
    if not isinstance(value, (Mapping, list, tuple)):
        return plain(value, above)
    if is_endless(value, above):
        return None
    above = (*above, id(value))
    if isinstance(value, Mapping):
        return {str(k): dump(v, nulls=nulls, above=above) for k, v in value.items()}
    return [dump(item, nulls=nulls, above=above) for item in value]


def _dumped(value: Any, *, nulls: bool) -> dict[str, Any]:
    told = {
        wire_name(each): dump(getattr(value, each.name), nulls=nulls)
        for each in fields(value)
        if each.name != "other" and not _unsaid(each, value, nulls=nulls)
    }
    if getattr(value, "closed", False):
        return told
    return {**told, **{key: dump(item) for key, item in value.other.items()}}


def _unsaid(each: Field[Any], value: Any, *, nulls: bool) -> bool:
    return getattr(value, each.name) is None and (
        not nulls or "unsaid" in each.metadata
    )


def compact(value: Any) -> Any:
    """A dumped value without nulls, at every level."""
    if isinstance(value, dict):
        return {key: compact(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [compact(item) for item in value]
    return value
