"""Fields of a task that the mapping derives from elsewhere, or has no attribute for.

`to_spans` writes them as `infinium.*` attributes and `from_spans` restores them, so that
a task that no telemetry produced comes back with its own values.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from infinium_otel.mapping.environment import RESOURCE_TAGS, has_framework_version
from infinium_otel.models.spans import (
    as_bool,
    as_int,
    as_text,
    drop_nulls,
    json_object,
    to_json,
)
from infinium_otel.taskdata import EnvironmentContext, LlmUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infinium_otel.records import Attributes, SpanRecord
    from infinium_otel.taskdata import ErrorDetail, ExecutionStep, TaskData

ERROR = "infinium.error."
PREVIEW = "infinium.step."
USAGE = "infinium.llm_usage."
TAGS = "infinium.environment.custom_tags"
SDK_VERSION = "infinium.environment.sdk_version"
FRAMEWORK_VERSION = "infinium.environment.framework_version"

DERIVED_TAGS = frozenset(
    {
        "continues",
        "gen_ai.agent.name",
        "gen_ai.conversation.id",
        "user.id",
        *RESOURCE_TAGS,
    }
)
"""Tags that the mapping makes from spans and resources, besides all of `otel.*`."""


def error_attributes(error: ErrorDetail | None) -> dict[str, Any]:
    """An error's fields besides type, message and stack trace; empty without an error."""
    if error is None:
        return {}
    return {
        "error.code": error.error_code,
        ERROR + "recoverable": error.recoverable,
        ERROR + "retry_count": error.retry_count,
        ERROR + "code": error.error_code,
    }


def preview_attributes(step: ExecutionStep) -> dict[str, Any]:
    """A tool step's own previews, where its tool has summaries of its own."""
    tool = step.tool_call
    if tool is None:
        return {}
    return {
        PREVIEW + "input_preview": step.input_preview if tool.input_summary else None,
        PREVIEW + "output_preview": step.output_preview
        if tool.output_summary
        else None,
    }


def task_attributes(task: TaskData) -> dict[str, Any]:
    """The caller's tags and the usage's model and provider."""
    environment = task.environment or EnvironmentContext()
    usage = task.llm_usage or LlmUsage()
    tags = {
        key: tag
        for key, tag in (environment.custom_tags or {}).items()
        if key not in DERIVED_TAGS and not key.startswith("otel.")
    }
    return {
        TAGS: to_json(tags) if tags else None,
        SDK_VERSION: environment.sdk_version,
        FRAMEWORK_VERSION: _find_lost_version(environment),
        USAGE + "model": usage.model,
        USAGE + "provider": usage.provider,
    }


def _find_lost_version(environment: EnvironmentContext) -> str | None:
    """The framework's version where no scope can hold it."""
    is_in_scope = has_framework_version(environment.framework or "")
    return None if is_in_scope else environment.framework_version


def restore_details(tasks: Iterable[TaskData], records: Iterable[SpanRecord]) -> None:
    """Restore the fields of *tasks* that `to_spans` wrote to *records*, in place."""
    attributes = {(each.trace_id, each.span_id): each.attributes for each in records}
    for task in tasks:
        tags = (task.environment.custom_tags if task.environment else None) or {}
        trace_id = tags.get("otel.trace_id", "")
        for step in task.steps or ():
            span_id = str((step.metadata or {}).get("otel.span_id"))
            _restore_step(task, step, attributes.get((trace_id, span_id), {}))
        root_id = tags.get("otel.root_span_id", "")
        _restore_task(task, attributes.get((trace_id, root_id), {}))


def _restore_step(task: TaskData, step: ExecutionStep, attributes: Attributes) -> None:
    for name in ("input_preview", "output_preview"):
        preview = as_text(attributes.get(PREVIEW + name))
        if preview is not None:
            setattr(step, name, preview)
    errors = (step.error, step.tool_call.error if step.tool_call else None)
    _restore_errors(task, attributes, [error for error in errors if error])


def _restore_task(task: TaskData, attributes: Attributes) -> None:
    on_steps = {id(step.error) for step in task.steps or ()}
    others = [error for error in task.errors or () if id(error) not in on_steps]
    _restore_errors(task, attributes, others[:1])
    environment = task.environment or EnvironmentContext()
    tags = _read_tags(attributes.get(TAGS)) | (environment.custom_tags or {})
    task.environment = replace(
        environment,
        custom_tags=tags or None,
        framework_version=as_text(attributes.get(FRAMEWORK_VERSION))
        or environment.framework_version,
        sdk_version=as_text(attributes.get(SDK_VERSION))
        or environment.sdk_version
        or version("infinium-otel"),
    )
    usage: dict[str, Any] = {
        name: text
        for name in ("model", "provider")
        if (text := as_text(attributes.get(USAGE + name))) is not None
    }
    if usage:
        task.llm_usage = replace(task.llm_usage or LlmUsage(), **usage)


def _restore_errors(
    task: TaskData, attributes: Attributes, errors: list[ErrorDetail]
) -> None:
    """Restore *errors* and those of the task that report the same."""
    fields = _read_error(attributes)
    if not fields:
        return
    same = {(error.error_type, error.message) for error in errors}
    errors += [e for e in task.errors or () if (e.error_type, e.message) in same]
    for error in errors:
        for name, value in fields.items():
            setattr(error, name, value)


def _read_error(attributes: Attributes) -> Mapping[str, Any]:
    return drop_nulls(
        {
            "recoverable": as_bool(attributes.get(ERROR + "recoverable")),
            "retry_count": as_int(attributes.get(ERROR + "retry_count")),
            "error_code": as_text(attributes.get(ERROR + "code")),
        }
    )


def _read_tags(value: Any) -> dict[str, str]:
    tags = json_object(value) or {}
    return {key: tag for key, tag in tags.items() if isinstance(tag, str)}
