"""What the user says on spans: `infinium.*` attributes to sections and names.

They choose names, sections and the expected outcome; never the agent, the endpoint or
the credentials. The root's word wins, else the first span's that has one.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from infinium_otel.jsontext import decode, text_of
from infinium_otel.taskdata import SECTIONS, ErrorDetail, ExpectedOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import Attributes

PREFIX = "infinium."


def annotations_of(attributes: Iterable[Attributes]) -> dict[str, Any]:
    """All `infinium.*` attributes of a trace, by name without the prefix.

    Args:
        attributes: those of each span, the root's first.
    """
    found: dict[str, Any] = {}
    for span in attributes:
        for key, value in span.items():
            if key.startswith(PREFIX) and value is not None:
                found.setdefault(key[len(PREFIX) :], value)
    return found


def is_skipped(annotations: dict[str, Any]) -> bool:
    """Whether the user asked not to send this run (`infinium.skip`)."""
    return text_of(annotations.get("skip", "")).lower() in ("true", "1", "yes")


def sections_of(annotations: dict[str, Any]) -> dict[str, Any]:
    """The domain sections the user filled, by section name."""
    filled: dict[str, Any] = {}
    if not annotations:
        return filled
    for name, section in SECTIONS.items():
        values = _values(annotations, name, section)
        if values:
            filled[name] = section(**values)
    return filled


def expected_outcome_of(
    annotations: dict[str, Any], told: dict[str, Any]
) -> ExpectedOutcome | None:
    """What the run is judged against.

    Args:
        told: what a framework's spans say of it, where the user says nothing.
    """
    if not annotations and not told:
        return None
    values: dict[str, Any] = {
        name: _listed(value) if name != "task_objective" else value
        for name, value in told.items()
    }
    values |= _values(annotations, "expected_outcome", ExpectedOutcome)
    if not values.get("task_objective"):
        return None
    return ExpectedOutcome(**values)


def _values(
    annotations: dict[str, Any], section: str, cls: type[Any]
) -> dict[str, Any]:
    """The fields of *section*: one attribute each, or the section as one JSON object."""
    whole = decode(annotations.get(section))
    values = dict(whole) if isinstance(whole, dict) else {}
    start = section + "."
    for key, value in annotations.items():
        if key.startswith(start):
            values[key[len(start) :]] = value
    types = {f.name: str(f.type) for f in fields(cls)}
    return {
        name: fitted
        for name, value in values.items()
        if name in types and (fitted := _fitted(value, types[name])) is not None
    }


def _fitted(value: Any, wanted: str) -> Any:
    """*value* as the field's type asks; None where it cannot be."""
    value = decode(value)
    if isinstance(value, tuple):
        value = list(value)
    if wanted.startswith("list[ErrorDetail"):
        return _errors(value)
    if wanted.startswith("list["):
        return _listed(value)
    if isinstance(value, list):
        return _listed(value) if wanted.startswith("Texts") else text_of(value)
    if wanted.startswith(("int", "float", "bool")):
        return _scalar(value, wanted)
    fits = isinstance(value, str) or ("dict[" in wanted and isinstance(value, dict))
    return value if fits else text_of(value)


def _listed(value: Any) -> list[str]:
    """A list of texts, whichever way it was written."""
    value = decode(value)
    return [
        text_of(v) for v in (value if isinstance(value, (list, tuple)) else [value])
    ]


def _errors(value: Any) -> list[ErrorDetail] | None:
    """Errors as objects with a type and a message; whatever is none is left out."""
    told = value if isinstance(value, list) else [value]
    return [
        ErrorDetail(text_of(error["error_type"]), text_of(error["message"]))
        for error in map(decode, told)
        if isinstance(error, dict) and {"error_type", "message"} <= error.keys()
    ] or None


def _scalar(value: Any, wanted: str) -> Any:
    kind = {"i": int, "f": float, "b": bool}[wanted[0]]
    if kind is bool:
        return {"true": True, "false": False}.get(str(value).lower())
    try:
        found = kind(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
