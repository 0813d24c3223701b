"""The limits of single fields: enforced on a task made of spans, checked on a caller's.

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
from infinium_otel.taskdata.values import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from infinium_otel.taskdata import ExecutionStep, TaskData

MAX_NAME_LENGTH = 500
MAX_DESCRIPTION_LENGTH = 10_000
MAX_DURATION_S = 86_400.0
FIRST_YEAR, LAST_YEAR = 1900, 2100
MAX_PROMPT_KEY_LENGTH = 2_000

MAX_IDEMPOTENCY_KEY_LENGTH = 255
"""The API documents no limit and no header of that name; 255 is a common one."""

MAX_INPUT_SUMMARY_LENGTH, MAX_OUTPUT_SUMMARY_LENGTH = 3_000, 8_000
"""What the service's judge reads of a task's input and output.

Source: a comment in infinium-o2 1.2.0's TraceBuilder.
"""

MAX_PREVIEW_LENGTH = 500
MAX_TOOL_OUTPUT_LENGTH = 1_500
"""Source: what infinium-o2 1.2.0's TraceBuilder cuts a step's input and a tool's output to."""

UNNAMED = "(unnamed)"
UNDESCRIBED = "(no description)"
LAST_RESORT_TIME = "1970-01-01T00:00:00Z"
"""Used where no time is known: the core has no clock."""

CLAMPED = "infinium_otel.clamped"
"""The tag that lists the fields that were changed to fit."""


def clamp(task: TaskData) -> TaskData:
    """*task* with every required field within its limits; *task* itself if all are.

    Changed fields are listed in `environment.custom_tags`. Never raises.
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
    clamped = replace(
        task, **changes, environment=replace(environment, custom_tags=tags)
    )
    if hasattr(task, PROMPT_STUDIO):
        setattr(clamped, PROMPT_STUDIO, getattr(task, PROMPT_STUDIO))
    return clamped


def validate(task: TaskData) -> None:
    """Check that the required fields of *task* are within their limits.

    Raises:
        ValidationError: one is not; the error names the field and its limit.
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
    if not is_valid_time(task.current_datetime):
        raise ValidationError(
            "current_datetime: must be an ISO 8601 time between 1900 and 2100",
            field="current_datetime",
        )
    if not is_finite_number(task.duration) or not 0 <= task.duration <= MAX_DURATION_S:
        raise ValidationError(
            f"duration: must be seconds from 0 to {MAX_DURATION_S:,.0f}",
            field="duration",
        )


def truncate_previews(task: TaskData) -> TaskData:
    """*task* with each step's previews in at most `MAX_PREVIEW_LENGTH` characters.

    Returns:
        *task* itself if all are; else a copy: a caller's object stays as it is.
    """
    steps = [_truncate_previews(step) for step in task.steps or ()]
    if all(new is old for new, old in zip(steps, task.steps or (), strict=True)):
        return task
    truncated = replace(task, steps=steps)
    if hasattr(task, PROMPT_STUDIO):
        setattr(truncated, PROMPT_STUDIO, getattr(task, PROMPT_STUDIO))
    return truncated


def _truncate_previews(step: ExecutionStep) -> ExecutionStep:
    changes: dict[str, Any] = {
        name: truncate(value, MAX_PREVIEW_LENGTH)
        for name in ("input_preview", "output_preview")
        if isinstance(value := getattr(step, name), str)
        and len(value) > MAX_PREVIEW_LENGTH
    }
    return replace(step, **changes) if changes else step


def is_valid_time(value: Any) -> bool:
    """Whether *value* is an ISO 8601 time that the service accepts."""
    if not isinstance(value, str):
        return False
    try:
        moment = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
    except ValueError:
        return False
    return FIRST_YEAR <= moment.year <= LAST_YEAR


def is_finite_number(value: Any) -> bool:
    """Whether *value* is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)


def truncate(text: str, limit: int) -> str:
    """*text* in at most *limit* characters; "..." marks a cut."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def truncate_start(text: str, limit: int) -> str:
    """The last *limit* characters of *text*, for stack traces; "..." marks a cut."""
    return text if len(text) <= limit else "..." + text[3 - limit :]


def _repair_name(value: Any, _: TaskData) -> str | None:
    return _repair_text(value, UNNAMED, MAX_NAME_LENGTH)


def _repair_description(value: Any, task: TaskData) -> str | None:
    return _repair_text(
        value, _to_text(task.name) or UNDESCRIBED, MAX_DESCRIPTION_LENGTH
    )


def _repair_text(value: Any, otherwise: str, length: int) -> str | None:
    """What replaces *value*; None if it may stay as it is."""
    repaired = truncate(_to_text(value) or otherwise, length)
    return None if repaired == value else repaired


def _to_text(value: Any) -> str:
    if value is None:
        return ""
    found = value if isinstance(value, str) else describe(value)
    return found if found.strip() else ""


def _repair_time(value: Any, task: TaskData) -> str | None:
    if is_valid_time(value):
        return None
    times = task.time_tracking
    for known in (times.end_time, times.start_time) if times else ():
        if known is not None and is_valid_time(known):
            return known
    return LAST_RESORT_TIME


def _repair_duration(value: Any, _: TaskData) -> float | None:
    if not is_finite_number(value):
        return MAX_DURATION_S if value == math.inf else 0.0
    if 0 <= value <= MAX_DURATION_S:
        return None
    return 0.0 if value < 0 else MAX_DURATION_S


_REPAIRS: dict[str, Callable[[Any, TaskData], Any]] = {
    "name": _repair_name,
    "description": _repair_description,
    "current_datetime": _repair_time,
    "duration": _repair_duration,
}
