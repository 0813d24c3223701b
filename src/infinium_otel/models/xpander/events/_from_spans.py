"""Any instrumentation's spans to xpander's events, report and tool results."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models.documents import dump
from infinium_otel.models.runs import find_runs
from infinium_otel.models.spans import as_int, as_text, from_json, json_object, to_iso
from infinium_otel.models.trees import drop_repeated
from infinium_otel.models.xpander.attributes import EVENT, FAILED, KIND, REQUEST
from infinium_otel.models.xpander.documents import event_of
from infinium_otel.models.xpander.events.tool_events import RESULT, read_tool_events
from infinium_otel.models.xpander.settings import ToolInvocationResult
from infinium_otel.models.xpander.tasks import Task, TaskReportRequest
from infinium_otel.models.xpander.threads._from_spans import (
    TOOLS,
    derive_entry,
    from_spans,
)
from infinium_otel.models.xpander.threads.types import AgentActivityThreadToolCall
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infinium_otel.models.runs import Run, RunSpan
    from infinium_otel.models.xpander.events.types import TaskUpdateEvent
    from infinium_otel.records import LogEvent


def to_task_events(
    records: Iterable[SpanRecord | LogEvent], *, organization_id: str | None = None
) -> list[TaskUpdateEvent]:
    """The events of every run in *records*, run by run, each in order.

    Spans that were made from events give these events. Any other run gives its creation,
    its tools' requests and results, the agents it called, and its end.

    Args:
        organization_id: for events whose spans contain none; xpander requires it.
    """
    given = drop_repeated(records)
    by_trace: dict[str, list[SpanRecord]] = {}
    for record in given:
        if isinstance(record, SpanRecord):
            by_trace.setdefault(record.trace_id, []).append(record)
    found: list[TaskUpdateEvent] = []
    for run in find_runs(given, KIND):
        below = {run.root.record.span_id, *(t.record.span_id for t in run.spans)}
        own = [r for r in by_trace[run.root.record.trace_id] if r.span_id in below]
        found += _read_events(run.root.record, own) or _derive_events(
            run, own, organization_id
        )
    return found


def _read_events(root: SpanRecord, spans: list[SpanRecord]) -> list[TaskUpdateEvent]:
    """The events that the spans were made from."""
    found: list[tuple[int, TaskUpdateEvent]] = []
    event_attributes = [event.attributes for event in root.events]
    for attributes in (*event_attributes, *(span.attributes for span in spans)):
        found += _read_enveloped(
            attributes, EVENT, from_json(attributes.get("xpander.data"))
        )
    for span in spans:
        failed = span.status == "error"
        request, result = read_tool_events(span.attributes, failed=failed)
        found += _read_enveloped(span.attributes, REQUEST + ".event", request)
        found += _read_enveloped(span.attributes, RESULT + ".event", result)
    return [event for _, event in sorted(found, key=lambda each: each[0])]


def _read_enveloped(
    attributes: Mapping[str, Any], key: str, data: Any
) -> Iterator[tuple[int, TaskUpdateEvent]]:
    """The event in an attribute, with its index.

    Args:
        key: the attribute with all of the event except its data.
        data: the event's data.
    """
    envelope = json_object(attributes.get(key))
    if envelope is None or not isinstance(envelope.get("task_id"), str):
        return
    place = as_int(envelope.pop("index", None)) or 0
    other = json_object(envelope.pop("other", None)) or {}
    type_ = as_text(envelope.pop("type", None)) or "task_updated"
    yield place, event_of({**other, **envelope, "type": type_, "data": data})


def _derive_events(
    run: Run, spans: list[SpanRecord], organization_id: str | None
) -> list[TaskUpdateEvent]:
    """The events of a run that did not come from xpander."""
    thread = from_spans(spans)[0]
    task = thread.task or Task(thread.id)
    created = replace(task, status="executing", result=None, finished_at=None)
    root = run.root.record
    timed: list[_Timed] = [(root.start_ns, "task_created", dump(created))]
    for step in run.steps:
        timed += _derive_step_events(step, run)
    last = max(root.end_ns, *(at_ns for at_ns, _, _ in timed))
    timed.sort(key=lambda each: each[0])
    if task.status != "executing":
        timed.append((last, "task_finished", dump(task)))
    return [
        event_of(
            {
                "type": type_,
                "task_id": task.id,
                "organization_id": task.organization_id or organization_id,
                "time": to_iso(at_ns),
                "data": data,
            }
        )
        for at_ns, type_, data in timed
    ]


_Timed = tuple[int, str, Any]
"""Time in ns, type and data of an event."""


def _derive_step_events(step: RunSpan, run: Run) -> Iterator[_Timed]:
    record, entry = step.record, derive_entry(step, run.root)
    if isinstance(entry, AgentActivityThreadToolCall):
        request = {
            "request_id": record.span_id,
            "operation_id": entry.tool_name,
            "tool_call_id": step.normalized.tool_call_id,
            "tool_name": entry.tool_name,
            "payload": entry.payload,
        }
        result = {**request, "result": entry.result, "is_error": entry.is_error}
        yield record.start_ns, "tool_call_request", request
        yield max(record.start_ns, record.end_ns), "tool_call_result", result
    elif entry is not None:
        yield record.start_ns, "sub_agent_trigger", dump(entry)


def to_task_report(records: Iterable[SpanRecord | LogEvent]) -> TaskReportRequest:
    """The first run in *records*, reported as a task that ran outside xpander.

    `dump` makes the body of `POST /agent-execution/{agent_id}/report_task` from it.

    Raises:
        InfiniumError: *records* contain no run.
    """
    threads = from_spans(records)
    if not threads:
        raise InfiniumError("no spans, so no task to report", field="records")
    thread = threads[0]
    task = thread.task or Task(thread.id, status=None)
    tools = [
        e.tool_name
        for e in thread.messages
        if isinstance(e, AgentActivityThreadToolCall)
    ]
    return TaskReportRequest(
        id=task.id,
        input=task.input.text if task.input else None,
        tokens=task.tokens,
        is_success=task.status not in (*FAILED, "stopped"),
        result=task.result,
        duration=task.duration,
        used_tools=task.used_tools or tuple(dict.fromkeys(tools)),
    )


def to_tool_results(
    records: Iterable[SpanRecord | LogEvent],
) -> list[ToolInvocationResult]:
    """The result of each tool call in *records*, in order."""
    return [
        _result(step, run)
        for run in find_runs(records, KIND)
        for step in run.steps
        if step.kind in TOOLS
    ]


def _result(step: RunSpan, run: Run) -> ToolInvocationResult:
    record, normalized, failure = step.record, step.normalized, step.failure
    below = [other for other in run.spans if other.parent_id == record.span_id]
    return ToolInvocationResult(
        result=from_json(normalized.result),
        is_success=failure is None,
        error=failure.message if failure else None,
        execution_time=max(0, record.end_ns - record.start_ns) / 1e9,
        tool_id=normalized.tool_name or record.name,
        tool_call_id=normalized.tool_call_id,
        payload=from_json(normalized.arguments),
        status_code=normalized.http_status,
        is_error=failure is not None,
        is_local=not any(other.kind == "http" for other in below),
    )
