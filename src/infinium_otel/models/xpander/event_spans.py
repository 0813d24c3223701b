"""A tool call, a thought or a task of an event stream, each as its span."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from infinium_otel.models.carrying import carried
from infinium_otel.models.documents import dump
from infinium_otel.models.spans import (
    as_json,
    present,
    settled,
    span_id_of,
    text,
    to_iso,
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
    auth_facts,
    reasoning_attributes,
    run_name,
    said_by,
    task_attributes,
    without_secrets,
)
from infinium_otel.models.xpander.documents import entry_of
from infinium_otel.models.xpander.entries import (
    entry_attributes,
    tool_attributes,
    tool_failure,
    trigger_attributes,
)
from infinium_otel.models.xpander.threads import AgentActivityThreadReasoning
from infinium_otel.models.xpander.tool_events import merged
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from infinium_otel.models.xpander.events import (
        TaskUpdateEvent,
        ToolCallRequest,
        ToolCallResult,
    )
    from infinium_otel.models.xpander.tasks import Task


@dataclass(frozen=True, slots=True)
class Seen:
    """An event with its place in the stream and its time."""

    index: int
    event: TaskUpdateEvent
    at_ns: int

    @property
    def envelope(self) -> str:
        """All of the event but its data, as JSON."""
        event = self.event
        told = {
            "index": self.index,
            "type": event.type,
            "task_id": event.task_id,
            "organization_id": event.organization_id,
            "time": event.time,
            "identity": event.identity,
            "other": dict(event.other) or None,
        }
        return as_json(dump(present(told)))


@dataclass(slots=True)
class Running:
    """What is known of one task while its events come in."""

    trace_id: str
    root_id: str
    start_ns: int
    latest_ns: int
    task: Task | None = None
    waiting: dict[str, tuple[Seen, ToolCallRequest]] = field(default_factory=dict)
    events: list[SpanEvent] = field(default_factory=list)
    ended: bool = False


def data_attributes(seen: Seen) -> dict[str, Any]:
    """What an event says, and how it comes back as it was; no sign-in's token."""
    event = seen.event
    if event.type == "auth_event":
        said = event.data if isinstance(event.data, Mapping) else {}
        data: Any = auth_facts(text(said.get("type")), said.get("data"))
    else:
        data = without_secrets(dump(event.data))
    told = as_json(data) if data is not None else None
    return present({EVENT: seen.envelope, "xpander.data": told})


def _draft(run: Running, seen: Seen, name: str, attributes: Any) -> SpanRecord:
    return SpanRecord(
        trace_id=run.trace_id,
        span_id=span_id_of(run.trace_id, "event", seen.index),
        parent_id=run.root_id,
        name=name,
        start_ns=seen.at_ns,
        end_ns=seen.at_ns,
        attributes=attributes,
        scope_name=SCOPE,
    )


def late(run: Running, seen: Seen, attributes: dict[str, Any]) -> SpanRecord:
    """An event that came after its run's end."""
    return settled(_draft(run, seen, f"xpander.{seen.event.type}", attributes))


def thought(run: Running, seen: Seen) -> SpanRecord:
    """A thought: the platform keeps it as the input of a think or analyze tool."""
    event = seen.event
    data = event.data if isinstance(event.data, Mapping) else {}
    payload = data.get("payload")
    said = payload.get("input") if isinstance(payload, Mapping) else data
    entry = entry_of(
        {
            **(said if isinstance(said, Mapping) else {}),
            "id": text(data.get("request_id")) or text(data.get("id")) or "unknown",
            "created_at": to_iso(seen.at_ns),
            "type": event.type,
        }
    )
    known = isinstance(entry, AgentActivityThreadReasoning)
    attributes = {
        **(entry_attributes(entry, seen.index) if known else {}),
        "infinium.step.action": "decision",
        **data_attributes(seen),
    }
    return settled(_draft(run, seen, f"xpander.reasoning {event.type}", attributes))


def trigger(run: Running, seen: Seen) -> SpanRecord:
    """The call of another agent."""
    data = seen.event.data if isinstance(seen.event.data, Mapping) else {}
    agent_id, query = text(data.get("agent_id")), text(data.get("query"))
    attributes = {
        **trigger_attributes(agent_id, query),
        "gen_ai.agent.name": agent_id,
        **data_attributes(seen),
    }
    name = f"invoke_agent {agent_id}" if agent_id else "invoke_agent"
    return settled(_draft(run, seen, name, attributes))


def tool_span(
    run: Running,
    asked: tuple[Seen, ToolCallRequest] | None,
    answered: tuple[Seen, ToolCallResult] | None,
) -> SpanRecord:
    """A tool's span: from its request to its result, of which one may be missing."""
    request = asked[1] if asked else None
    result = answered[1] if answered else None
    told, differing = merged(request, result)
    first = asked[0] if asked else answered[0] if answered else None
    assert first is not None  # noqa: S101 - there is one of the two
    call_id = told.tool_call_id or told.request_id
    attributes = {
        INDEX: first.index,
        KIND: "tool_call",
        TOOL + "id": call_id,
        TOOL + "created_at": to_iso(first.at_ns),
        **tool_attributes(told.tool_name, call_id, told.payload, told.result),
        **carried(told, TOOL, skip={"tool_name", "payload", "result", "is_error"}),
        **reasoning_attributes(told.reasoning),
        **differing,
        REQUEST + ".event": asked[0].envelope if asked else None,
        "xpander.result.event": answered[0].envelope if answered else None,
        TOOL + "unfinished": True if answered is None else None,
    }
    name = f"execute_tool {told.tool_name}" if told.tool_name else "execute_tool"
    draft = _draft(run, first, name, attributes)
    end_ns = answered[0].at_ns if answered else run.latest_ns
    failed = result is not None and result.is_error
    draft = replace(draft, end_ns=end_ns)
    return settled(draft, tool_failure(told.result) if failed else None)


def unanswered(run: Running) -> list[SpanRecord]:
    """The spans of tools that nothing more is heard of."""
    found = [tool_span(run, asked, None) for asked in run.waiting.values()]
    run.waiting.clear()
    return found


def run_span(run: Running) -> SpanRecord:
    """The run's own span, as the last account of its task has it."""
    task = run.task
    started = to_ns(task.started_at or task.created_at) if task else None
    finished = to_ns(task.finished_at) if task else None
    asked = task.input.text if task and task.input else None
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.input.messages": said_by("user", [asked]),
        "gen_ai.output.messages": said_by("assistant", [task.result if task else None]),
        **(task_attributes(task) if task else {"xpander.task.partial": True}),
    }
    draft = SpanRecord(
        trace_id=run.trace_id,
        span_id=run.root_id,
        parent_id=None,
        name=run_name(task),
        start_ns=run.start_ns if started is None else min(started, run.start_ns),
        end_ns=run.latest_ns if finished is None else finished,
        attributes=attributes,
        status="ok" if task and task.status == "completed" else "unset",
        events=tuple(run.events),
        scope_name=SCOPE,
    )
    failed = task is not None and task.status in FAILED
    failure = Failure(str(task.status), task.result or "") if task and failed else None
    return settled(draft, failure)
