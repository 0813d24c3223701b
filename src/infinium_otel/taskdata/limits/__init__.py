"""Infinium's limits: of single fields, and of a task's JSON in bytes."""

from infinium_otel.taskdata.limits.fields import (
    LAST_RESORT_TIME,
    MAX_DESCRIPTION_LENGTH,
    MAX_DURATION_S,
    MAX_IDEMPOTENCY_KEY_LENGTH,
    MAX_INPUT_SUMMARY_LENGTH,
    MAX_NAME_LENGTH,
    MAX_OUTPUT_SUMMARY_LENGTH,
    MAX_PREVIEW_LENGTH,
    MAX_PROMPT_KEY_LENGTH,
    MAX_TOOL_OUTPUT_LENGTH,
    clamp,
    truncate,
    truncate_previews,
    truncate_start,
    validate,
)
from infinium_otel.taskdata.limits.shrinking import (
    MAX_BODY_BYTES,
    Encoded,
    encode_task,
    shrink_body,
)

__all__ = [
    "LAST_RESORT_TIME",
    "MAX_BODY_BYTES",
    "MAX_DESCRIPTION_LENGTH",
    "MAX_DURATION_S",
    "MAX_IDEMPOTENCY_KEY_LENGTH",
    "MAX_INPUT_SUMMARY_LENGTH",
    "MAX_NAME_LENGTH",
    "MAX_OUTPUT_SUMMARY_LENGTH",
    "MAX_PREVIEW_LENGTH",
    "MAX_PROMPT_KEY_LENGTH",
    "MAX_TOOL_OUTPUT_LENGTH",
    "Encoded",
    "clamp",
    "encode_task",
    "shrink_body",
    "truncate",
    "truncate_previews",
    "truncate_start",
    "validate",
]
