"""A record's fields as attributes of one span, and back.

Plain values are written as they are, nested ones as JSON. A field that has its default
is not written: OpenTelemetry has no null, and reading restores the default.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import dump, wire_name
from infinium_otel.models.spans import from_json, to_attribute, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def write_fields(
    record: Any, prefix: str, *, skip: Collection[str] = ()
) -> dict[str, Any]:
    """The fields of *record* as attributes.

    Args:
        record: a dataclass; its field `other` is written too.
        prefix: goes before each field's name in JSON ("letta.step.").
        skip: fields that are written elsewhere.
    """
    found: dict[str, Any] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        if each.name not in skip and not _is_default(each, value):
            found[prefix + wire_name(each)] = _to_attribute(each, value)
    return found


def _is_default(each: Field[Any], value: Any) -> bool:
    if each.default_factory is not MISSING:
        return bool(value == each.default_factory())
    return value is None or (value == each.default and not _has_other_type(value, each))


def _has_other_type(value: Any, each: Field[Any]) -> bool:
    """Whether the value's type differs from the default's: in Python False equals 0."""
    return type(value) is not type(each.default)


def _to_attribute(each: Field[Any], value: Any) -> Any:
    if isinstance(value, str) and not _is_text(each):
        return to_json(value)
    return to_attribute(dump(value))


def _is_text(each: Field[Any]) -> bool:
    return str(each.type).removesuffix(" | None") == "str"


def read_fields(
    attributes: Mapping[str, Any], prefix: str, kind: type[Any]
) -> dict[str, Any]:
    """The JSON object of a *kind* that `write_fields` wrote, for its loader.

    Args:
        attributes: a span's or an event's.
        prefix: as it was written.
    """
    found: dict[str, Any] = {}
    for each in fields(kind):
        value = attributes.get(prefix + wire_name(each))
        if value is None:
            continue
        value = value if _is_text(each) else from_json(value)
        if each.name == "other":
            found |= value if isinstance(value, dict) else {}
        else:
            found[wire_name(each)] = value
    return found
