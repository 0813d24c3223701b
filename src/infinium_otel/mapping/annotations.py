"""What the user sets on spans: `infinium.*` attributes to sections and names.

They set names, sections and the expected outcome; never the agent, the endpoint or
the credentials. The root's value wins, else that of the first span that has one and is
trusted.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from infinium_otel.dialects.lenient_json import loads, to_text
from infinium_otel.taskdata import SECTIONS, ErrorDetail, ExpectedOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infinium_otel.records import SpanRecord

PREFIX = "infinium."


def collect_annotations(
    records: Iterable[SpanRecord], root_id: str, trust: str
) -> dict[str, Any]:
    """The `infinium.*` attributes of a run, by name without the prefix.

    A tool or another service can put any attribute on its own spans, and must not be able
    to hide or rename the run that it takes part in.

    Args:
        records: the spans, the root first.
        root_id: the span id of the root.
        trust: `Config.trust`: "root", or "all".
    """
    found: dict[str, Any] = {}
    for record in records:
        if not (trust == "all" or record.span_id == root_id or record.is_annotated):
            continue
        attributes = record.attributes
        for key in [key for key in attributes if key.startswith(PREFIX)]:
            if attributes[key] is not None:
                found.setdefault(key[len(PREFIX) :], attributes[key])
    return found


def is_skipped(annotations: dict[str, Any]) -> bool:
    """Whether the user excluded this run from sending (`infinium.skip`)."""
    return to_text(annotations.get("skip", "")).lower() in ("true", "1", "yes")


def build_sections(annotations: dict[str, Any]) -> dict[str, Any]:
    """The domain sections the user filled, by section name."""
    filled: dict[str, Any] = {}
    if not annotations:
        return filled
    for name, section in SECTIONS.items():
        values = _read_section(annotations, name, section)
        if values:
            filled[name] = section(**values)
    return filled


def build_expected_outcome(
    annotations: dict[str, Any], reported: dict[str, Any]
) -> ExpectedOutcome | None:
    """What the run is judged against.

    Args:
        annotations: what the user set; it wins.
        reported: what a framework's spans contain of it.

    Returns:
        None if there is no objective.
    """
    if not annotations and not reported:
        return None
    values: dict[str, Any] = {
        name: _to_list(value) if name != "task_objective" else value
        for name, value in reported.items()
    }
    values |= _read_section(annotations, "expected_outcome", ExpectedOutcome)
    if not values.get("task_objective"):
        return None
    return ExpectedOutcome(**values)


def _read_section(
    annotations: dict[str, Any], section: str, cls: type[Any]
) -> dict[str, Any]:
    """The fields of *section*: one attribute each, or the section as one JSON object."""
    whole = loads(annotations.get(section))
    values = dict(whole) if isinstance(whole, dict) else {}
    start = section + "."
    for key, value in annotations.items():
        if key.startswith(start):
            values[key[len(start) :]] = value
    types = {f.name: str(f.type) for f in fields(cls)}
    return {
        name: converted
        for name, value in values.items()
        if name in types and (converted := _convert(value, types[name])) is not None
    }


def _convert(value: Any, wanted: str) -> Any:
    """*value* converted to the field's type; None where that is impossible."""
    value = loads(value)
    if isinstance(value, tuple):
        value = list(value)
    if wanted.startswith("list[ErrorDetail"):
        return _to_errors(value)
    if wanted.startswith("list["):
        return _to_list(value)
    if isinstance(value, list):
        return _to_list(value) if wanted.startswith("Texts") else to_text(value)
    if wanted.startswith(("int", "float", "bool")):
        return _to_scalar(value, wanted)
    fits = isinstance(value, str) or ("dict[" in wanted and isinstance(value, dict))
    return value if fits else to_text(value)


def _to_list(value: Any) -> list[str]:
    """A list of texts, from JSON, a sequence or a single value."""
    value = loads(value)
    return [
        to_text(v) for v in (value if isinstance(value, (list, tuple)) else [value])
    ]


def _to_errors(value: Any) -> list[ErrorDetail] | None:
    """Errors as objects with a type and a message; other items are dropped."""
    items = value if isinstance(value, list) else [value]
    return [
        ErrorDetail(to_text(error["error_type"]), to_text(error["message"]))
        for error in map(loads, items)
        if isinstance(error, dict) and {"error_type", "message"} <= error.keys()
    ] or None


def _to_scalar(value: Any, wanted: str) -> Any:
    kind = {"i": int, "f": float, "b": bool}[wanted[0]]
    if kind is bool:
        return {"true": True, "false": False}.get(str(value).lower())
    try:
        found = kind(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
