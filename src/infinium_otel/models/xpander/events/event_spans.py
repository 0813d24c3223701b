"""The spans of tool calls, thoughts and tasks of an event stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.documents import dump
from infinium_otel.models.field_attributes import write_fields
from infinium_otel.models.spans import (
    as_text,
    drop_nulls,
    finalize,
    make_span_id,
    to_iso,
    to_json,
    to_ns,
)
from infinium_otel.models.xpander.attributes import (
    EVENT,
    FAILED,
    INDEX,
    KIND,
    REQUEST,
    SCOPE,
    TOOL,
    get_public_auth,
    make_run_name,
    reasoning_attributes,
    remove_secrets,
    task_attributes,
    to_messages,
)
from infinium_otel.models.xpander.documents import entry_of
from infinium_otel.models.xpander.events.tool_events import merge
from infinium_otel.models.xpander.tasks import Task
from infinium_otel.models.xpander.threads.entries import (
    entry_attributes,
    to_tool_attributes,
    to_tool_failure,
    trigger_attributes,
)
from infinium_otel.models.xpander.threads.types import AgentActivityThreadReasoning
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from infinium_otel.models.xpander.events.types import (
        TaskUpdateEvent,
        ToolCallRequest,
        ToolCallResult,
    )


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event with its index in the stream and its time."""

    index: int
    event: TaskUpdateEvent
    at_ns: int

    @property
    def envelope(self) -> str:
        """All of the event except its data, as JSON."""
        event = self.event
        fields = {
            "index": self.index,
            "type": event.type,
            "task_id": event.task_id,
            "organization_id": event.organization_id,
            "time": event.time,
            "identity": event.identity,
            "other": dict(event.other) or None,
        }
        return to_json(dump(drop_nulls(fields)))


@dataclass(slots=True)
class OpenTask:
    """The state of one task while its events arrive."""

    trace_id: str
    root_id: str
    start_ns: int
    latest_ns: int
    task: Task | None = None
    waiting: dict[str, tuple[ReceivedEvent, ToolCallRequest]] = field(
        default_factory=dict
    )
    events: list[SpanEvent] = field(default_factory=list)
    ended: bool = False


_EMPTY_TASK = dump(Task(""))


def _dump_data(data: Any) -> Any:
    """An event's data as JSON; of a task only the fields that have a value."""
    dumped = dump(data)
    if not isinstance(data, Task):
        return dumped
    return {
        key: value
        for key, value in dumped.items()
        if key == "id" or key not in _EMPTY_TASK or value != _EMPTY_TASK[key]
    }


def data_attributes(received: ReceivedEvent) -> dict[str, Any]:
    """An event's envelope and data as attributes, without a sign-in's token."""
    event = received.event
    if event.type == "auth_event":
        fields = event.data if isinstance(event.data, Mapping) else {}
        data: Any = get_public_auth(as_text(fields.get("type")), fields.get("data"))
    else:
        data = remove_secrets(_dump_data(event.data))
    data_json = to_json(data) if data is not None else None
    return drop_nulls({EVENT: received.envelope, "xpander.data": data_json})


def _draft(
    run: OpenTask, received: ReceivedEvent, name: str, attributes: Any
) -> SpanRecord:
    return SpanRecord(
        trace_id=run.trace_id,
        span_id=make_span_id(run.trace_id, "event", received.index),
        parent_id=run.root_id,
        name=name,
        start_ns=received.at_ns,
        end_ns=received.at_ns,
        attributes=attributes,
        scope_name=SCOPE,
    )


def to_late_span(
    run: OpenTask, received: ReceivedEvent, attributes: dict[str, Any]
) -> SpanRecord:
    """An event that came after its run's end."""
    return finalize(_draft(run, received, f"xpander.{received.event.type}", attributes))


def to_thought_span(run: OpenTask, received: ReceivedEvent) -> SpanRecord:
    """The span of a thought, which xpander sends as the input of a tool."""
    event = received.event
    data = event.data if isinstance(event.data, Mapping) else {}
    payload = data.get("payload")
    thought = payload.get("input") if isinstance(payload, Mapping) else data
    entry = entry_of(
        {
            **(thought if isinstance(thought, Mapping) else {}),
            "id": as_text(data.get("request_id"))
            or as_text(data.get("id"))
            or "unknown",
            "created_at": to_iso(received.at_ns),
            "type": event.type,
        }
    )
    known = isinstance(entry, AgentActivityThreadReasoning)
    attributes = {
        **(entry_attributes(entry, received.index) if known else {}),
        "infinium.step.action": "decision",
        **data_attributes(received),
    }
    return finalize(
        _draft(run, received, f"xpander.reasoning {event.type}", attributes)
    )


def to_trigger_span(run: OpenTask, received: ReceivedEvent) -> SpanRecord:
    """The span of a call of another agent."""
    data = received.event.data if isinstance(received.event.data, Mapping) else {}
    agent_id, query = as_text(data.get("agent_id")), as_text(data.get("query"))
    attributes = {
        **trigger_attributes(agent_id, query),
        "gen_ai.agent.name": agent_id,
        **data_attributes(received),
    }
    name = f"invoke_agent {agent_id}" if agent_id else "invoke_agent"
    return finalize(_draft(run, received, name, attributes))


def to_tool_span(
    run: OpenTask,
    requested: tuple[ReceivedEvent, ToolCallRequest] | None,
    answer: tuple[ReceivedEvent, ToolCallResult] | None,
) -> SpanRecord:
    """A tool's span, from its request to its result, of which one may be missing."""
    request = requested[1] if requested else None
    result = answer[1] if answer else None
    merged, differing = merge(request, result)
    first = requested[0] if requested else answer[0] if answer else None
    assert first is not None  # noqa: S101 - there is one of the two
    call_id = merged.tool_call_id or merged.request_id
    attributes = {
        INDEX: first.index,
        KIND: "tool_call",
        TOOL + "id": call_id,
        TOOL + "created_at": to_iso(first.at_ns),
        **to_tool_attributes(merged.tool_name, call_id, merged.payload, merged.result),
        **write_fields(
            merged, TOOL, skip={"tool_name", "payload", "result", "is_error"}
        ),
        **reasoning_attributes(merged.reasoning),
        **differing,
        REQUEST + ".event": requested[0].envelope if requested else None,
        "xpander.result.event": answer[0].envelope if answer else None,
        TOOL + "unfinished": True if answer is None else None,
    }
    name = f"execute_tool {merged.tool_name}" if merged.tool_name else "execute_tool"
    draft = _draft(run, first, name, attributes)
    end_ns = answer[0].at_ns if answer else run.latest_ns
    failed = result is not None and result.is_error
    draft = replace(draft, end_ns=end_ns)
    return finalize(draft, to_tool_failure(merged.result) if failed else None)


def end_open_tools(run: OpenTask) -> list[SpanRecord]:
    """End the tools whose result has not arrived, and return their spans."""
    found = [to_tool_span(run, request, None) for request in run.waiting.values()]
    run.waiting.clear()
    return found


def to_task_span(run: OpenTask) -> SpanRecord:
    """The run's own span, from the last state of its task."""
    task = run.task
    started = to_ns(task.started_at or task.created_at) if task else None
    finished = to_ns(task.finished_at) if task else None
    prompt = task.input.text if task and task.input else None
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.input.messages": to_messages("user", [prompt]),
        "gen_ai.output.messages": to_messages(
            "assistant", [task.result if task else None]
        ),
        **(task_attributes(task) if task else {"xpander.task.partial": True}),
    }
    draft = SpanRecord(
        trace_id=run.trace_id,
        span_id=run.root_id,
        parent_id=None,
        name=make_run_name(task),
        start_ns=run.start_ns if started is None else min(started, run.start_ns),
        end_ns=run.latest_ns if finished is None else finished,
        attributes=attributes,
        status="ok" if task and task.status == "completed" else "unset",
        events=tuple(run.events),
        scope_name=SCOPE,
    )
    failed = task is not None and task.status in FAILED
    failure = Failure(str(task.status), task.result or "") if task and failed else None
    return finalize(draft, failure)
