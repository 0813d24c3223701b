"""A record's fields as attributes of one span, and back.

What is a plain value stands as it is, anything nested as JSON. A field that has its
default is not written: OpenTelemetry has no null, and reading gives the default.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import dump, wire_name
from infinium_otel.models.spans import as_json, attribute, from_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def carried(record: Any, prefix: str, *, skip: Collection[str] = ()) -> dict[str, Any]:
    """The fields of *record* as attributes.

    Args:
        record: a dataclass; what its field `other` holds is carried too.
        prefix: stands before each field's name in JSON ("letta.step.").
        skip: fields that stand elsewhere.
    """
    found: dict[str, Any] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        if each.name not in skip and not _is_default(each, value):
            found[prefix + wire_name(each)] = _attribute(each, value)
    return found


def _is_default(each: Field[Any], value: Any) -> bool:
    if each.default_factory is not MISSING:
        return bool(value == each.default_factory())
    return value is None or (value == each.default and not _is_kin(value, each))


def _is_kin(value: Any, each: Field[Any]) -> bool:
    """Whether Python calls two values equal that JSON does not: False and 0."""
    return type(value) is not type(each.default)


def _attribute(each: Field[Any], value: Any) -> Any:
    if isinstance(value, str) and not _is_text(each):
        return as_json(value)
    return attribute(dump(value))


def _is_text(each: Field[Any]) -> bool:
    return str(each.type).removesuffix(" | None") == "str"


def uncarried(
    attributes: Mapping[str, Any], prefix: str, kind: type[Any]
) -> dict[str, Any]:
    """The JSON object of a *kind* that `carried` wrote, for its loader.

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
