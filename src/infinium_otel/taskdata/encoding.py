"""A task to the JSON object that is sent."""

from __future__ import annotations

import math
from dataclasses import is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from infinium_otel.taskdata.shapes import get_shape
from infinium_otel.taskdata.types import SECTIONS
from infinium_otel.taskdata.values import LARGEST_INT, plain, text

if TYPE_CHECKING:
    from collections.abc import Callable

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
"""Keys by importance: according to the vendor the service cuts from the end.

Source: infinium-o2 1.2.0, `InfiniumClient._task_data_to_dict`.
"""

PROMPT_STUDIO = "_prompt_studio"
"""The vendor's TraceBuilder keeps the prompts of a run on this hidden attribute."""


def task_to_dict(task: TaskData) -> dict[str, Any]:
    """The JSON object of *task*, exactly as it is sent.

    Sections are nested under `sections`. Of a dataclass, None, empty lists and empty
    dataclasses are omitted; False, 0 and "" are kept. A plain dict such as `metadata`
    keeps all its members. A value that JSON cannot represent becomes a text inside a
    plain dict; as a field's number it is omitted.

    Args:
        task: ours or the vendor's; not modified.

    Raises:
        TypeError: *task* is not a dataclass.
    """
    if not _is_record(type(task)):
        raise TypeError(f"not a task: {type(task).__name__}")
    found = encode_dataclass(task)
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


def encode_dataclass(value: Any) -> dict[str, Any]:
    """The JSON object of a dataclass, fields in their order."""
    names, values_of = get_shape(type(value))
    result: dict[str, Any] = {}
    for name, item in zip(names, values_of(value), strict=True):
        kind = type(item)
        if kind is str:
            result[name] = item if item.isascii() else text(item)
        elif item is None:
            continue
        elif kind is int:
            if -LARGEST_INT <= item <= LARGEST_INT:
                result[name] = item
        elif (found := _encode_field(item)) is not None:
            result[name] = found
    return result


def _encode_field(item: Any) -> Any:
    """The JSON of a field; None if it is omitted."""
    kind = type(item)
    if kind is dict:
        return plain(item)
    if kind is float:
        return item if math.isfinite(item) else None
    if kind is bool:
        return item
    if _is_record(kind):
        return encode_dataclass(item) or None
    if isinstance(item, (list, tuple)):
        return [
            found for each in item if (found := _encode_item(each)) is not None
        ] or None
    return plain(item)


def _encode_item(item: Any) -> Any:
    if _is_record(type(item)):
        return encode_dataclass(item) or None
    return plain(item)


_is_record: Callable[[Any], bool] = lru_cache(maxsize=256)(is_dataclass)
"""Whether a class is a dataclass."""
