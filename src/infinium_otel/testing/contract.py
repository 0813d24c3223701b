"""The contract for the body of a task, checked more strictly than by any server.

Source: infinium-o2 1.2.0, what its `send_task` checks and `_task_data_to_dict` writes.
"""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import fields, is_dataclass
from datetime import datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from infinium_otel.errors import InfiniumError
from infinium_otel.taskdata import task_from_dict, task_to_dict

MAX_BODY_BYTES = 1_048_576
MAX_NAME = 500
MAX_DESCRIPTION = 10_000
MAX_DURATION_S = 86_400
FIRST_YEAR, LAST_YEAR = 1900, 2100


def find_complaints(body: bytes) -> tuple[str, ...]:
    """Check the body of a task; returns one sentence per violation, () if it is valid."""
    try:
        wire = json.loads(
            body.decode(), parse_constant=_reject_constant, object_pairs_hook=_to_object
        )
    except (ValueError, RecursionError) as error:
        return (f"body: not strict JSON: {error}",)
    if not isinstance(wire, dict):
        return ("body: not an object",)
    try:
        _ = json.dumps(wire, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return ("body: contains a lone surrogate",)
    return (*_check_limits(wire), *_check_shape(wire))


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a valid number")


def _to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice")
    return result


def _check_limits(wire: dict[str, Any]) -> list[str]:
    found = [
        *_check_text(wire, "name", MAX_NAME),
        *_check_text(wire, "description", MAX_DESCRIPTION),
    ]
    if not _is_moment(wire.get("current_datetime")):
        found.append("current_datetime: not an ISO 8601 time between 1900 and 2100")
    if not _is_duration(wire.get("duration")):
        found.append("duration: not a number from 0 to 86,400")
    return found


def _check_text(wire: dict[str, Any], name: str, longest: int) -> list[str]:
    value = wire.get(name)
    if not isinstance(value, str) or not value.strip():
        return [f"{name}: missing or blank"]
    return [f"{name}: longer than {longest:,}"] if len(value) > longest else []


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return False
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def _is_duration(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and 0 <= value <= MAX_DURATION_S


def _check_shape(wire: dict[str, Any]) -> list[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            task = task_from_dict(wire)
    except (InfiniumError, UserWarning) as error:
        return [str(error)]
    found = _find_type_errors(task, "task")
    expected = json.dumps(task_to_dict(task))
    if not found and expected != json.dumps(wire):
        found.append("body: wrong order of keys, or a null or empty value")
    return found


def _find_type_errors(value: Any, path: str) -> list[str]:
    """Fields of a dataclass whose values do not have the declared type."""
    hints = get_type_hints(type(value))
    found = []
    for field in fields(value):
        item, where = getattr(value, field.name), f"{path}.{field.name}"
        if not _has_type(item, hints[field.name]):
            found.append(f"{where}: wrong type")
        for number, part in enumerate(item if isinstance(item, list) else [item]):
            if is_dataclass(part):
                found += _find_type_errors(part, f"{where}[{number}]")
    return found


def _has_type(value: Any, hint: Any) -> bool:
    parts = get_args(hint)
    kind = get_origin(hint) or hint
    if kind is Any:
        return True
    if kind in (Union, UnionType):
        return any(_has_type(value, part) for part in parts)
    if isinstance(value, bool) and kind is not bool:
        return False
    if not isinstance(value, (int, float) if kind is float else kind):
        return False
    return all(_has_type(item, parts[-1]) for item in _get_items(value))


def _get_items(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
