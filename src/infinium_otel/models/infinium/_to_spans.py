"""A task to spans."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.mapping.environment import RESOURCE_TAGS
from infinium_otel.models.facts import attach_orphans
from infinium_otel.models.infinium.details import error_attributes, task_attributes
from infinium_otel.models.infinium.field_types import drop_mistyped
from infinium_otel.models.infinium.steps import (
    find_duration_ms,
    get_error,
    get_operation,
    make_span_name,
    step_attributes,
    to_failure,
    to_message,
)
from infinium_otel.models.spans import (
    LATEST_NS,
    as_text,
    drop_nulls,
    finalize,
    make_span_id,
    to_attribute,
    to_json,
    to_ns,
    to_trace_id,
)
from infinium_otel.records import SpanRecord
from infinium_otel.taskdata import (
    SECTIONS,
    ExecutionStep,
    TaskData,
    TimeTracking,
    task_to_dict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infinium_otel.taskdata import ErrorDetail

NAMESPACE = "infinium.task:"

MILLISECOND = 1_000_000
MICROSECOND = 1_000
LONGEST_MS = LATEST_NS / MILLISECOND
HEX = frozenset("0123456789abcdef")


def to_spans(document: TaskData) -> list[SpanRecord]:
    """The spans of a task, its root first.

    Args:
        document: a task; the `otel.*` keys in its tags and its steps' metadata
            determine ids, tree and start times.
    """
    writer = _SpanWriter(document)
    steps = [writer.step(each) for each in writer.task.steps or ()]
    steps += writer.write_usage_calls()
    root = writer.root
    others = [span for span in steps if span.span_id != root.span_id]
    own = [span for span in steps if span.span_id == root.span_id]
    return [_merge_root(root, own), *attach_orphans(others, root.span_id)]


class _SpanWriter:
    """Builds the spans of one task."""

    def __init__(self, task: TaskData) -> None:
        self.task = drop_mistyped(task)
        environment = self.task.environment
        self.tags = (environment.custom_tags if environment else None) or {}
        tagged_id = _as_hex(self.tags.get("otel.trace_id"), 32)
        self.trace_id = tagged_id or to_trace_id(to_json(task_to_dict(task)), NAMESPACE)
        self.resource = _resource(self.task, self.tags)
        self.start_ns, self.end_ns = _find_times(self.task)
        self.cursor = self.start_ns
        self.root = self._root()

    def _root(self) -> SpanRecord:
        task, tags = self.task, self.tags
        environment = task.environment
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": _single_name(tags.get("gen_ai.agent.name")),
            "gen_ai.conversation.id": tags.get("gen_ai.conversation.id"),
            "user.id": tags.get("user.id"),
            "infinium.task.name": task.name,
            "infinium.task.description": task.description,
            "gen_ai.input.messages": to_message("user", task.input_summary),
            "gen_ai.output.messages": to_message("assistant", task.output_summary),
            **_sections(task),
            **self._totals(),
            **task_attributes(task),
        }
        error = self._find_own_error()
        if error is not None:
            attributes |= error_attributes(error)
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=_as_hex(tags.get("otel.root_span_id"), 16)
            or make_span_id(self.trace_id, "task"),
            parent_id=_as_hex(tags.get("otel.parent_span_id"), 16),
            name=tags.get("otel.root_span_name") or task.name,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            attributes=attributes,
            resource=self.resource,
            scope_name=(environment.framework if environment else None) or "",
            scope_version=(environment.framework_version if environment else None)
            or "",
        )
        return finalize(draft, to_failure(error) if error else None)

    def _find_own_error(self) -> ErrorDetail | None:
        """The first error that does not belong to a step."""
        on_steps = [
            (error.error_type, error.message)
            for step in self.task.steps or ()
            if (error := get_error(step)) is not None
        ]
        own = [
            error
            for error in self.task.errors or ()
            if (error.error_type, error.message) not in on_steps
        ]
        return own[0] if own else None

    def _totals(self) -> dict[str, Any]:
        """Token totals, only where no call has its own: they would be counted twice."""
        usage = self.task.llm_usage
        calls = [step.llm_call for step in self.task.steps or () if step.llm_call]
        if usage is None or calls or usage.calls:
            return {}
        return {
            "gen_ai.usage.input_tokens": usage.prompt_tokens,
            "gen_ai.usage.output_tokens": usage.completion_tokens,
            "gen_ai.request.model": usage.model,
            "gen_ai.provider.name": usage.provider,
        }

    def write_usage_calls(self) -> list[SpanRecord]:
        """Spans for the calls listed in `llm_usage`, where no step is a call."""
        usage = self.task.llm_usage
        if usage is None or any(step.llm_call for step in self.task.steps or ()):
            return []
        steps = (
            ExecutionStep(-place, "llm_inference", "", call.latency_ms, llm_call=call)
            for place, call in enumerate(usage.calls or (), 1)
        )
        return [self.step(each) for each in steps]

    def step(self, step: ExecutionStep) -> SpanRecord:
        """The span of one step."""
        metadata = step.metadata or {}
        operation = as_text(metadata.get("gen_ai.operation.name")) or get_operation(
            step
        )
        start_ns, end_ns = self._place_step(step, metadata)
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=_as_hex(metadata.get("otel.span_id"), 16)
            or make_span_id(self.trace_id, "step", step.step_number),
            parent_id=_as_hex(metadata.get("otel.parent_span_id"), 16)
            or self.root.span_id,
            name=as_text(metadata.get("otel.span_name"))
            or make_span_name(step, operation),
            start_ns=start_ns,
            end_ns=end_ns,
            kind="client" if step.llm_call else "internal",
            attributes=step_attributes(step, operation),
            resource=self.resource,
            scope_name=as_text(metadata.get("otel.scope")) or "",
        )
        error = get_error(step)
        return finalize(draft, to_failure(error) if error else None)

    def _place_step(
        self, step: ExecutionStep, metadata: Mapping[str, Any]
    ) -> tuple[int, int]:
        """A step's start and end: its own start time, else after the previous step."""
        own_start_ns = to_ns(metadata.get("start_time"))
        start_ns = self.cursor if own_start_ns is None else own_start_ns
        length_ms = min(max(0, find_duration_ms(step) or 0), LONGEST_MS)
        end_ns = start_ns + round(length_ms * MILLISECOND)
        self.cursor = max(self.cursor, end_ns)
        return start_ns, end_ns


def _merge_root(root: SpanRecord, own: list[SpanRecord]) -> SpanRecord:
    """The run's span, merged with the step that is the run itself, if there is one."""
    for step in own:
        root = replace(
            root,
            name=step.name,
            kind=step.kind,
            status=step.status,
            status_message=step.status_message,
            events=step.events,
            attributes={**root.attributes, **step.attributes},
            scope_name=step.scope_name or root.scope_name,
        )
    return root


def _as_hex(value: Any, length: int) -> str | None:
    """*value* if it is an id of *length* hex digits; None otherwise."""
    found = as_text(value)
    fits = found is not None and len(found) == length and set(found) <= HEX
    return found if fits and found and found.strip("0") else None


def _single_name(names: str | None) -> str | None:
    """The agent's name; None where several agents took part."""
    return None if names and ", " in names else names


def _find_times(task: TaskData) -> tuple[int, int]:
    """Start and end of a run, ns since the epoch."""
    tracked = task.time_tracking or TimeTracking()
    length = round(min(max(0, task.duration), LONGEST_MS / 1e3) * 1e9)
    end_ns = to_ns(tracked.end_time)
    if end_ns is None:
        end_ns = to_ns(task.current_datetime)
    start_ns = to_ns(tracked.start_time)
    if start_ns is None:
        start_ns = (end_ns or 0) - length
    start_ns = max(0, start_ns)
    if end_ns is None:
        return start_ns, start_ns + length
    # Times have microseconds, the duration nanoseconds: the start moves within its
    # microsecond so that all three are consistent.
    short = end_ns - start_ns - length
    start_ns += short if 0 < short < MICROSECOND else 0
    exact = abs(end_ns - start_ns - length) < MICROSECOND
    return start_ns, start_ns + length if exact else max(start_ns, end_ns)


def _resource(task: TaskData, tags: Mapping[str, str]) -> dict[str, Any]:
    environment = task.environment
    found: dict[str, Any] = {key: tags.get(key) for key in RESOURCE_TAGS}
    if environment is not None:
        python = environment.python_version
        found |= {
            "telemetry.sdk.version": environment.sdk_version,
            "telemetry.sdk.language": "python" if python else None,
            "process.runtime.name": environment.runtime,
            "process.runtime.version": python,
            "cloud.region": environment.region,
        }
    return drop_nulls(found)


def _sections(task: TaskData) -> dict[str, Any]:
    """The sections and the expected outcome as `infinium.*` attributes."""
    found: dict[str, Any] = {}
    for name in ("expected_outcome", *SECTIONS):
        section = getattr(task, name)
        if name == "time_tracking" or not is_dataclass(section):
            continue
        for each in fields(section):
            value = getattr(section, each.name)
            found[f"infinium.{name}.{each.name}"] = to_attribute(value)
    return found
