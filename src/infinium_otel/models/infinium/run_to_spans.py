"""A task to spans."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.facts import adopted
from infinium_otel.models.infinium.believed import believed
from infinium_otel.models.infinium.steps import (
    duration_ms,
    error_of,
    failure_of,
    message,
    operation_of,
    span_name,
    step_attributes,
)
from infinium_otel.models.spans import (
    LATEST_NS,
    as_json,
    attribute,
    present,
    settled,
    span_id_of,
    text,
    to_ns,
    trace_id_of,
)
from infinium_otel.records import Failure, SpanRecord
from infinium_otel.taskdata import (
    SECTIONS,
    ExecutionStep,
    TaskData,
    TimeTracking,
    task_to_dict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "infinium.task:"
RESOURCE_TAGS = (
    "service.name",
    "service.version",
    "service.namespace",
    "deployment.environment.name",
    "deployment.environment",
)

MILLISECOND = 1_000_000
MICROSECOND = 1_000
LONGEST_MS = LATEST_NS / MILLISECOND
HEX = frozenset("0123456789abcdef")


def task_to_spans(document: TaskData) -> list[SpanRecord]:
    """The spans of a task, its root first.

    Args:
        document: a task; what its tags and its steps' metadata say of spans decides
            ids, tree and starts.
    """
    writing = _Writing(document)
    steps = [writing.step(each) for each in writing.task.steps or ()]
    steps += writing.untold_calls()
    root = writing.root
    others = [span for span in steps if span.span_id != root.span_id]
    own = [span for span in steps if span.span_id == root.span_id]
    return [_united(root, own), *adopted(others, root.span_id)]


class _Writing:
    """The spans of one task as they come about."""

    def __init__(self, task: TaskData) -> None:
        self.task = believed(task)
        environment = self.task.environment
        self.tags = (environment.custom_tags if environment else None) or {}
        told = _hex(self.tags.get("otel.trace_id"), 32)
        self.trace_id = told or trace_id_of(as_json(task_to_dict(task)), NAMESPACE)
        self.resource = _resource(self.task, self.tags)
        self.start_ns, self.end_ns = _times(self.task)
        self.cursor = self.start_ns
        self.root = self._root()

    def _root(self) -> SpanRecord:
        task, tags = self.task, self.tags
        environment = task.environment
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": _only(tags.get("gen_ai.agent.name")),
            "gen_ai.conversation.id": tags.get("gen_ai.conversation.id"),
            "user.id": tags.get("user.id"),
            "infinium.task.name": task.name,
            "infinium.task.description": task.description,
            "gen_ai.input.messages": message("user", task.input_summary),
            "gen_ai.output.messages": message("assistant", task.output_summary),
            **_sections(task),
            **self._totals(),
        }
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=_hex(tags.get("otel.root_span_id"), 16)
            or span_id_of(self.trace_id, "task"),
            parent_id=_hex(tags.get("otel.parent_span_id"), 16),
            name=tags.get("otel.root_span_name") or task.name,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            attributes=attributes,
            resource=self.resource,
            scope_name=(environment.framework if environment else None) or "",
            scope_version=(environment.framework_version if environment else None)
            or "",
        )
        return settled(draft, self._failure())

    def _failure(self) -> Failure | None:
        """The first error that no step has."""
        on_steps = [
            (error.error_type, error.message)
            for step in self.task.steps or ()
            if (error := error_of(step)) is not None
        ]
        own = [
            error
            for error in self.task.errors or ()
            if (error.error_type, error.message) not in on_steps
        ]
        return failure_of(own[0]) if own else None

    def _totals(self) -> dict[str, Any]:
        """Token totals, only where no call tells of any: they would count twice."""
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

    def untold_calls(self) -> list[SpanRecord]:
        """The calls of the totals, where no step is a call."""
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
        said = step.metadata or {}
        operation = text(said.get("gen_ai.operation.name")) or operation_of(step)
        start_ns, end_ns = self._placed(step, said)
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=_hex(said.get("otel.span_id"), 16)
            or span_id_of(self.trace_id, "step", step.step_number),
            parent_id=_hex(said.get("otel.parent_span_id"), 16) or self.root.span_id,
            name=text(said.get("otel.span_name")) or span_name(step, operation),
            start_ns=start_ns,
            end_ns=end_ns,
            kind="client" if step.llm_call else "internal",
            attributes=step_attributes(step, operation),
            resource=self.resource,
            scope_name=text(said.get("otel.scope")) or "",
        )
        error = error_of(step)
        return settled(draft, failure_of(error) if error else None)

    def _placed(self, step: ExecutionStep, said: Mapping[str, Any]) -> tuple[int, int]:
        """A step's start and end: as it says, else after the step before it."""
        told = to_ns(said.get("start_time"))
        start_ns = self.cursor if told is None else told
        length_ms = min(max(0, duration_ms(step) or 0), LONGEST_MS)
        end_ns = start_ns + round(length_ms * MILLISECOND)
        self.cursor = max(self.cursor, end_ns)
        return start_ns, end_ns


def _united(root: SpanRecord, own: list[SpanRecord]) -> SpanRecord:
    """The run's span; where the run is itself a step, with what the step says."""
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


def _hex(value: Any, length: int) -> str | None:
    """An id of so many hex digits; None for anything else."""
    found = text(value)
    fits = found is not None and len(found) == length and set(found) <= HEX
    return found if fits and found and found.strip("0") else None


def _only(names: str | None) -> str | None:
    """The agent's name, where only one took part."""
    return None if names and ", " in names else names


def _times(task: TaskData) -> tuple[int, int]:
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
    # Times are told to the microsecond, the duration to the nanosecond: the start
    # moves within its microsecond so that all three hold.
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
    return present(found)


def _sections(task: TaskData) -> dict[str, Any]:
    """What the user said of a run, as `infinium.*`."""
    found: dict[str, Any] = {}
    for name in ("expected_outcome", *SECTIONS):
        section = getattr(task, name)
        if name == "time_tracking" or not is_dataclass(section):
            continue
        for each in fields(section):
            value = getattr(section, each.name)
            found[f"infinium.{name}.{each.name}"] = attribute(value)
    return found
