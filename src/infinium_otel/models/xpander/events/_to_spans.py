"""xpander's event stream to spans, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.models.content import remove_content
from infinium_otel.models.documents import normalize_values
from infinium_otel.models.spans import make_span_id, to_ns, to_trace_id
from infinium_otel.models.xpander.attributes import NAMESPACE, RESULT_ERROR_TYPES
from infinium_otel.models.xpander.documents import task_or_none
from infinium_otel.models.xpander.events.event_spans import (
    OpenTask,
    ReceivedEvent,
    data_attributes,
    end_open_tools,
    to_late_span,
    to_task_span,
    to_thought_span,
    to_tool_span,
    to_trigger_span,
)
from infinium_otel.models.xpander.events.types import (
    TaskUpdateEvent,
    ToolCallRequest,
    ToolCallResult,
)
from infinium_otel.records import SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

THOUGHTS = frozenset({"think", "analyze"})


class EventReader:
    """Turns a stream of events into ended spans as the events arrive.

    A span is returned as soon as it ends: a tool's with its result, the run's own with
    the task. The same events always give the same ids.

    Args:
        start_ns: time of events that have none, ns since the epoch.
        capture_content: False omits prompts, answers, arguments and results; lengths,
            counts and ids stay.
    """

    def __init__(self, *, start_ns: int = 0, capture_content: bool = True) -> None:
        self._start_ns = start_ns
        self._capture_content = capture_content
        self._seen = 0
        self._runs: dict[str, OpenTask] = {}

    def feed(self, event: TaskUpdateEvent) -> list[SpanRecord]:
        """The spans that *event* ends; usually none or one."""
        return self._apply_capture(self._handle(normalize_values(event)))

    def _apply_capture(self, spans: list[SpanRecord]) -> list[SpanRecord]:
        return (
            spans
            if self._capture_content
            else remove_content(spans, RESULT_ERROR_TYPES)
        )

    def _handle(self, event: TaskUpdateEvent) -> list[SpanRecord]:
        run = self._run(event)
        time_ns = to_ns(event.time)
        at_ns = run.latest_ns if time_ns is None else time_ns
        run.latest_ns = max(run.latest_ns, at_ns)
        received = ReceivedEvent(self._seen, event, at_ns)
        self._seen += 1
        if isinstance(event.data, ToolCallRequest):
            return self._open_tool(run, received, event.data)
        if isinstance(event.data, ToolCallResult):
            return self._close_tool(run, received, event.data)
        if event.type in THOUGHTS:
            return [to_thought_span(run, received)]
        if event.type == "sub_agent_trigger":
            return [to_trigger_span(run, received)]
        return self._record(run, received)

    def finish(self) -> list[SpanRecord]:
        """End the stream: the spans of tools without a result and of unfinished tasks."""
        found: list[SpanRecord] = []
        for run in self._runs.values():
            found += end_open_tools(run)
            if not run.ended:
                found.append(to_task_span(run))
                run.ended = True
        return self._apply_capture(found)

    def _run(self, event: TaskUpdateEvent) -> OpenTask:
        run = self._runs.get(event.task_id)
        if run is None:
            trace_id = to_trace_id(event.task_id, NAMESPACE)
            time_ns = to_ns(event.time)
            start_ns = self._start_ns if time_ns is None else time_ns
            root_id = make_span_id(trace_id, "task", event.task_id)
            run = OpenTask(trace_id, root_id, start_ns, start_ns)
            self._runs[event.task_id] = run
        return run

    def _open_tool(
        self, run: OpenTask, received: ReceivedEvent, request: ToolCallRequest
    ) -> list[SpanRecord]:
        before = run.waiting.pop(request.request_id, None)
        run.waiting[request.request_id] = (received, request)
        return [to_tool_span(run, before, None)] if before else []

    def _close_tool(
        self, run: OpenTask, received: ReceivedEvent, result: ToolCallResult
    ) -> list[SpanRecord]:
        key = result.request_id
        if key not in run.waiting and result.tool_call_id is not None:
            same = (
                name
                for name, (_, request) in run.waiting.items()
                if request.tool_call_id == result.tool_call_id
            )
            key = next(same, key)
        return [to_tool_span(run, run.waiting.pop(key, None), (received, result))]

    def _record(self, run: OpenTask, received: ReceivedEvent) -> list[SpanRecord]:
        """Any other event becomes an event on the run's span, or a span after its end."""
        event = received.event
        attributes = data_attributes(received)
        if run.ended:
            return [to_late_span(run, received, attributes)]
        run.events.append(
            SpanEvent(f"xpander.{event.type}", received.at_ns, attributes)
        )
        if event.type.startswith("task_"):
            run.task = task_or_none(event.data) or run.task
        if event.type != "task_finished":
            return []
        run.ended = True
        return [*end_open_tools(run), to_task_span(run)]


def from_events(
    events: Iterable[TaskUpdateEvent],
    *,
    start_ns: int = 0,
    capture_content: bool = True,
) -> list[SpanRecord]:
    """The spans of a whole stream by start time, parents first.

    Use `EventReader` to get them while the events arrive.

    Args:
        start_ns: time of events that have none, ns since the epoch.
        capture_content: as for `EventReader`.
    """
    reader = EventReader(start_ns=start_ns, capture_content=capture_content)
    found = [span for event in events for span in reader.feed(event)]
    found += reader.finish()
    return sorted(found, key=lambda s: (s.start_ns, -s.end_ns, s.parent_id is not None))
