"""xpander's event stream to spans, event by event."""

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
    trace_id_of,
)
from infinium_otel.models.xpander.attributes import (
    EVENT,
    FAILED,
    INDEX,
    KIND,
    NAMESPACE,
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
from infinium_otel.models.xpander.documents import entry_of, task_or_none
from infinium_otel.models.xpander.entries import (
    entry_attributes,
    tool_attributes,
    tool_failure,
    trigger_attributes,
)
from infinium_otel.models.xpander.tool_events import merged
from infinium_otel.models.xpander.types import (
    AgentActivityThreadReasoning,
    Task,
    TaskUpdateEvent,
    ToolCallRequest,
    ToolCallResult,
)
from infinium_otel.records import Failure, SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

THOUGHTS = frozenset({"think", "analyze"})


@dataclass(frozen=True, slots=True)
class _Seen:
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
class _Run:
    """What is known of one task while its events come in."""

    trace_id: str
    root_id: str
    start_ns: int
    latest_ns: int
    task: Task | None = None
    waiting: dict[str, tuple[_Seen, ToolCallRequest]] = field(default_factory=dict)
    events: list[SpanEvent] = field(default_factory=list)
    ended: bool = False


class EventReader:
    """Turns a stream of events into ended spans as they come in.

    Spans leave as soon as they end: a tool's with its result, the run's own with the
    task. The same events always give the same ids.

    Args:
        start_ns: when events happened that say no time, ns since the epoch.
    """

    def __init__(self, *, start_ns: int = 0) -> None:
        self._start_ns = start_ns
        self._seen = 0
        self._runs: dict[str, _Run] = {}

    def feed(self, event: TaskUpdateEvent) -> list[SpanRecord]:
        """The spans that *event* ends; mostly none or one."""
        run = self._run(event)
        told = to_ns(event.time)
        at_ns = run.latest_ns if told is None else told
        run.latest_ns = max(run.latest_ns, at_ns)
        seen = _Seen(self._seen, event, at_ns)
        self._seen += 1
        if isinstance(event.data, ToolCallRequest):
            return self._asked(run, seen, event.data)
        if isinstance(event.data, ToolCallResult):
            return self._answered(run, seen, event.data)
        if event.type in THOUGHTS:
            return [_thought(run, seen)]
        if event.type == "sub_agent_trigger":
            return [_trigger(run, seen)]
        return self._told(run, seen)

    def finish(self) -> list[SpanRecord]:
        """What is left when no event follows: unanswered tools, unfinished tasks."""
        found: list[SpanRecord] = []
        for run in self._runs.values():
            found += _unanswered(run)
            if not run.ended:
                found.append(_root(run))
                run.ended = True
        return found

    def _run(self, event: TaskUpdateEvent) -> _Run:
        run = self._runs.get(event.task_id)
        if run is None:
            trace_id = trace_id_of(event.task_id, NAMESPACE)
            told = to_ns(event.time)
            start_ns = self._start_ns if told is None else told
            root_id = span_id_of(trace_id, "task", event.task_id)
            run = _Run(trace_id, root_id, start_ns, start_ns)
            self._runs[event.task_id] = run
        return run

    def _asked(
        self, run: _Run, seen: _Seen, request: ToolCallRequest
    ) -> list[SpanRecord]:
        before = run.waiting.pop(request.request_id, None)
        run.waiting[request.request_id] = (seen, request)
        return [_tool(run, before, None)] if before else []

    def _answered(
        self, run: _Run, seen: _Seen, result: ToolCallResult
    ) -> list[SpanRecord]:
        key = result.request_id
        if key not in run.waiting and result.tool_call_id is not None:
            same = (
                name
                for name, (_, request) in run.waiting.items()
                if request.tool_call_id == result.tool_call_id
            )
            key = next(same, key)
        return [_tool(run, run.waiting.pop(key, None), (seen, result))]

    def _told(self, run: _Run, seen: _Seen) -> list[SpanRecord]:
        """Anything else is an event on the run's span, or a span after its end."""
        event = seen.event
        attributes = _data_attributes(seen)
        if run.ended:
            return [_late(run, seen, attributes)]
        run.events.append(SpanEvent(f"xpander.{event.type}", seen.at_ns, attributes))
        if event.type.startswith("task_"):
            run.task = task_or_none(event.data) or run.task
        if event.type != "task_finished":
            return []
        run.ended = True
        return [*_unanswered(run), _root(run)]


def events_to_spans(
    events: Iterable[TaskUpdateEvent], *, start_ns: int = 0
) -> list[SpanRecord]:
    """The spans of a whole stream, by start, the enclosing first.

    Args:
        start_ns: when events happened that say no time, ns since the epoch.
    """
    reader = EventReader(start_ns=start_ns)
    found = [span for event in events for span in reader.feed(event)]
    found += reader.finish()
    return sorted(found, key=lambda s: (s.start_ns, -s.end_ns, s.parent_id is not None))


def _data_attributes(seen: _Seen) -> dict[str, Any]:
    event = seen.event
    if event.type == "auth_event":
        said = event.data if isinstance(event.data, Mapping) else {}
        data: Any = auth_facts(text(said.get("type")), said.get("data"))
    else:
        data = without_secrets(dump(event.data))
    told = as_json(data) if data is not None else None
    return present({EVENT: seen.envelope, "xpander.data": told})


def _draft(run: _Run, seen: _Seen, name: str, attributes: Any) -> SpanRecord:
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


def _late(run: _Run, seen: _Seen, attributes: dict[str, Any]) -> SpanRecord:
    return settled(_draft(run, seen, f"xpander.{seen.event.type}", attributes))


def _thought(run: _Run, seen: _Seen) -> SpanRecord:
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
        **_data_attributes(seen),
    }
    return settled(_draft(run, seen, f"xpander.reasoning {event.type}", attributes))


def _trigger(run: _Run, seen: _Seen) -> SpanRecord:
    data = seen.event.data if isinstance(seen.event.data, Mapping) else {}
    agent_id, query = text(data.get("agent_id")), text(data.get("query"))
    attributes = {
        **trigger_attributes(agent_id, query),
        "gen_ai.agent.name": agent_id,
        **_data_attributes(seen),
    }
    name = f"invoke_agent {agent_id}" if agent_id else "invoke_agent"
    return settled(_draft(run, seen, name, attributes))


def _tool(
    run: _Run,
    asked: tuple[_Seen, ToolCallRequest] | None,
    answered: tuple[_Seen, ToolCallResult] | None,
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


def _unanswered(run: _Run) -> list[SpanRecord]:
    found = [_tool(run, asked, None) for asked in run.waiting.values()]
    run.waiting.clear()
    return found


def _root(run: _Run) -> SpanRecord:
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
