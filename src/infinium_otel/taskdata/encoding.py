"""A task to the JSON object that goes over the wire."""

from __future__ import annotations

import math
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

from infinium_otel.taskdata.shapes import shape_of
from infinium_otel.taskdata.types import SECTIONS
from infinium_otel.taskdata.values import LARGEST_INT, plain, text

if TYPE_CHECKING:
    from infinium_otel.taskdata.types import TaskData

BEFORE_SECTIONS = (
    "name",
    "description",
    "current_datetime",
    "duration",
    "input_summary",
    "output_summary",
    "expected_outcome",
    "steps",
    "errors",
    "llm_usage",
)
"""Keys in the order of their worth: the service is said to cut from the end.

Source: infinium-o2 1.2.0, `InfiniumClient._task_data_to_dict`.
"""

PROMPT_STUDIO = "_prompt_studio"
"""The vendor's TraceBuilder keeps the prompts of a run on this hidden attribute."""


def task_to_dict(task: TaskData) -> dict[str, Any]:
    """The JSON object of *task*, exactly as it goes over the wire.

    Sections are nested under `sections`. In a dataclass None, empty lists and empty
    dataclasses are left out; False, 0 and "" stay. A plain dict such as `metadata`
    keeps what it holds. What JSON cannot hold becomes a text inside a plain dict; as
    a field's number it is left out.

    Args:
        task: ours or the vendor's; not changed.
    """
    found = encoded(task)
    wire = {name: found[name] for name in BEFORE_SECTIONS if name in found}
    sections = {name: found[name] for name in SECTIONS if name in found}
    if sections:
        wire["sections"] = sections
    if "environment" in found:
        wire["environment"] = found["environment"]
    prompts = getattr(task, PROMPT_STUDIO, None)
    if prompts is not None:
        wire["prompt_studio"] = plain(prompts)
    return wire


def encoded(value: Any) -> dict[str, Any]:
    """The JSON object of a dataclass, fields in their order."""
    names, values_of = shape_of(type(value))
    result: dict[str, Any] = {}
    for name, item in zip(names, values_of(value), strict=True):
        if item is None:
            continue
        if type(item) is str:
            result[name] = item if item.isascii() else text(item)
            continue
        found = _field(item)
        if found is not None:
            result[name] = found
    return result


def _field(item: Any) -> Any:
    """The JSON of a field; None if it has nothing to say."""
    kind = type(item)
    if kind is int:
        return item if -LARGEST_INT <= item <= LARGEST_INT else None
    if kind is float:
        return item if math.isfinite(item) else None
    if kind is bool:
        return item
    if _is_record(item):
        return encoded(item) or None
    if isinstance(item, (list, tuple)):
        return [found for each in item if (found := _item(each)) is not None] or None
    return plain(item)


def _item(item: Any) -> Any:
    if _is_record(item):
        return encoded(item) or None
    return plain(item)


def _is_record(item: Any) -> bool:
    return is_dataclass(type(item))
