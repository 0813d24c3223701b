"""Any instrumentation's spans to xpander's events, report and tool results."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import InfiniumError
from infinium_otel.models.documents import dump
from infinium_otel.models.runs import runs_of
from infinium_otel.models.spans import from_json, json_object, text, to_iso, whole
from infinium_otel.models.trees import distinct
from infinium_otel.models.xpander.attributes import EVENT, FAILED, KIND, REQUEST
from infinium_otel.models.xpander.documents import event_of
from infinium_otel.models.xpander.settings import ToolInvocationResult
from infinium_otel.models.xpander.tasks import Task, TaskReportRequest
from infinium_otel.models.xpander.thread_from_spans import (
    TOOLS,
    derived_entry,
    threads_from_spans,
)
from infinium_otel.models.xpander.threads import AgentActivityThreadToolCall
from infinium_otel.models.xpander.tool_events import RESULT, tool_events_in
from infinium_otel.records import SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infinium_otel.models.runs import Run, Told
    from infinium_otel.models.xpander.events import TaskUpdateEvent
    from infinium_otel.records import LogEvent


def to_task_events(
    records: Iterable[SpanRecord | LogEvent], *, organization_id: str | None = None
) -> list[TaskUpdateEvent]:
    """The events of every run in *records*, run by run, each in order.

    A run that was made of events gives these; any other its creation, its tools'
    requests and results, the agents it called, and its end.

    Args:
        organization_id: of events whose spans name none; xpander requires it.
    """
    given = distinct(records)
    by_trace: dict[str, list[SpanRecord]] = {}
    for record in given:
        if isinstance(record, SpanRecord):
            by_trace.setdefault(record.trace_id, []).append(record)
    found: list[TaskUpdateEvent] = []
    for run in runs_of(given, KIND):
        below = {run.root.record.span_id, *(t.record.span_id for t in run.spans)}
        own = [r for r in by_trace[run.root.record.trace_id] if r.span_id in below]
        found += _kept(run.root.record, own) or _derived(run, own, organization_id)
    return found


def _kept(root: SpanRecord, spans: list[SpanRecord]) -> list[TaskUpdateEvent]:
    """The events that `from_events` was given."""
    found: list[tuple[int, TaskUpdateEvent]] = []
    told = [event.attributes for event in root.events]
    for attributes in (*told, *(span.attributes for span in spans)):
        found += _enveloped(
            attributes, EVENT, from_json(attributes.get("xpander.data"))
        )
    for span in spans:
        failed = span.status == "error"
        asked, answered = tool_events_in(span.attributes, failed=failed)
        found += _enveloped(span.attributes, REQUEST + ".event", asked)
        found += _enveloped(span.attributes, RESULT + ".event", answered)
    return [event for _, event in sorted(found, key=lambda each: each[0])]


def _enveloped(
    attributes: Mapping[str, Any], key: str, data: Any
) -> Iterator[tuple[int, TaskUpdateEvent]]:
    """The event, and its place, that an attribute tells all but the data of."""
    told = json_object(attributes.get(key))
    if told is None or not isinstance(told.get("task_id"), str):
        return
    place = whole(told.pop("index", None)) or 0
    other = json_object(told.pop("other", None)) or {}
    type_ = text(told.pop("type", None)) or "task_updated"
    yield place, event_of({**other, **told, "type": type_, "data": data})


def _derived(
    run: Run, spans: list[SpanRecord], organization_id: str | None
) -> list[TaskUpdateEvent]:
    """The events of a run that xpander never saw."""
    thread = threads_from_spans(spans)[0]
    task = thread.task or Task(thread.id)
    created = replace(task, status="executing", result=None, finished_at=None)
    root = run.root.record
    timed: list[_Timed] = [(root.start_ns, "task_created", dump(created))]
    for step in run.steps:
        timed += _of_step(step, run)
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
"""Time in ns, type, and data of an event to be."""


def _of_step(step: Told, run: Run) -> Iterator[_Timed]:
    record, entry = step.record, derived_entry(step, run.root)
    if isinstance(entry, AgentActivityThreadToolCall):
        asked = {
            "request_id": record.span_id,
            "operation_id": entry.tool_name,
            "tool_call_id": step.reading.tool_call_id,
            "tool_name": entry.tool_name,
            "payload": entry.payload,
        }
        answered = {**asked, "result": entry.result, "is_error": entry.is_error}
        yield record.start_ns, "tool_call_request", asked
        yield max(record.start_ns, record.end_ns), "tool_call_result", answered
    elif entry is not None:
        yield record.start_ns, "sub_agent_trigger", dump(entry)


def to_task_report(records: Iterable[SpanRecord | LogEvent]) -> TaskReportRequest:
    """The first run in *records*, to be posted as a task that ran outside xpander.

    `dump` gives the body of `POST /agent-execution/{agent_id}/report_task`.

    Raises:
        InfiniumError: there is none.
    """
    threads = threads_from_spans(records)
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
    """What each tool call in *records* gave, in order."""
    return [
        _result(step, run)
        for run in runs_of(records, KIND)
        for step in run.steps
        if step.kind in TOOLS
    ]


def _result(step: Told, run: Run) -> ToolInvocationResult:
    record, reading, failure = step.record, step.reading, step.failure
    below = [told for told in run.spans if told.parent_id == record.span_id]
    return ToolInvocationResult(
        result=from_json(reading.result),
        is_success=failure is None,
        error=failure.message if failure else None,
        execution_time=max(0, record.end_ns - record.start_ns) / 1e9,
        tool_id=reading.tool_name or record.name,
        tool_call_id=reading.tool_call_id,
        payload=from_json(reading.arguments),
        status_code=reading.http_status,
        is_error=failure is not None,
        is_local=not any(told.kind == "http" for told in below),
    )
