"""The limits of single fields: repaired for a span's task, refused for a caller's.

Source: infinium-o2 1.2.0, `infinium.utils` and `InfiniumClient.send_task`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import ValidationError
from infinium_otel.taskdata import EnvironmentContext
from infinium_otel.taskdata.encoding import PROMPT_STUDIO
from infinium_otel.taskdata.values import described

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.taskdata import TaskData

MAX_NAME_LENGTH = 500
MAX_DESCRIPTION_LENGTH = 10_000
MAX_DURATION_S = 86_400.0
FIRST_YEAR, LAST_YEAR = 1900, 2100

UNNAMED = "(unnamed)"
UNDESCRIBED = "(no description)"
LAST_RESORT_TIME = "1970-01-01T00:00:00Z"
"""Stands for a time that nothing tells; the core has no clock to ask."""

CLAMPED = "infinium_otel.clamped"
"""The tag that names the fields that were made to fit."""


def fit(task: TaskData) -> TaskData:
    """*task* with every required field within its limit; itself if it is already.

    What had to change is named in `environment.custom_tags`. Never raises.
    """
    changes = {
        name: repaired
        for name, repair in _REPAIRS.items()
        if (repaired := repair(getattr(task, name), task)) is not None
    }
    if not changes:
        return task
    environment = task.environment or EnvironmentContext()
    tags = {**(environment.custom_tags or {}), CLAMPED: ", ".join(changes)}
    fitted = replace(
        task, **changes, environment=replace(environment, custom_tags=tags)
    )
    if hasattr(task, PROMPT_STUDIO):
        setattr(fitted, PROMPT_STUDIO, getattr(task, PROMPT_STUDIO))
    return fitted


def check(task: TaskData) -> None:
    """Refuses a task whose required fields do not fit.

    Raises:
        ValidationError: names the field and its limit.
    """
    for name, limit in (
        ("name", MAX_NAME_LENGTH),
        ("description", MAX_DESCRIPTION_LENGTH),
    ):
        value = getattr(task, name)
        if not isinstance(value, str) or not value.strip():
            raise ValidationError(
                f"{name}: must be a text that is not blank", field=name
            )
        if len(value) > limit:
            raise ValidationError(
                f"{name}: longer than {limit:,} characters", field=name
            )
    if not is_moment(task.current_datetime):
        raise ValidationError(
            "current_datetime: must be an ISO 8601 time between 1900 and 2100",
            field="current_datetime",
        )
    if not is_number(task.duration) or not 0 <= task.duration <= MAX_DURATION_S:
        raise ValidationError(
            f"duration: must be seconds from 0 to {MAX_DURATION_S:,.0f}",
            field="duration",
        )


def is_moment(value: Any) -> bool:
    """Whether *value* is an ISO 8601 time the service takes."""
    if not isinstance(value, str):
        return False
    try:
        moment = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
    except ValueError:
        return False
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def is_number(value: Any) -> bool:
    """Whether *value* is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)


def cut(value: str, length: int) -> str:
    """*value* in at most *length* characters, with a mark where it was cut."""
    return value if len(value) <= length else value[: length - 1] + "…"


def _name(value: Any, _: TaskData) -> str | None:
    return _text(value, UNNAMED, MAX_NAME_LENGTH)


def _description(value: Any, task: TaskData) -> str | None:
    return _text(value, _text_of(task.name) or UNDESCRIBED, MAX_DESCRIPTION_LENGTH)


def _text(value: Any, otherwise: str, length: int) -> str | None:
    """What to put in place of *value*; None if it can stay."""
    repaired = cut(_text_of(value) or otherwise, length)
    return None if repaired == value else repaired


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    found = value if isinstance(value, str) else described(value)
    return found if found.strip() else ""


def _moment(value: Any, task: TaskData) -> str | None:
    if is_moment(value):
        return None
    times = task.time_tracking
    for known in (times.end_time, times.start_time) if times else ():
        if known is not None and is_moment(known):
            return known
    return LAST_RESORT_TIME


def _duration(value: Any, _: TaskData) -> float | None:
    if not is_number(value):
        return MAX_DURATION_S if value == math.inf else 0.0
    if 0 <= value <= MAX_DURATION_S:
        return None
    return 0.0 if value < 0 else MAX_DURATION_S


_REPAIRS: dict[str, Callable[[Any, TaskData], Any]] = {
    "name": _name,
    "description": _description,
    "current_datetime": _moment,
    "duration": _duration,
}
