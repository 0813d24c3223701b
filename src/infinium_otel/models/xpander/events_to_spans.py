"""xpander's event stream to spans, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.models.content import without_content
from infinium_otel.models.spans import span_id_of, to_ns, trace_id_of
from infinium_otel.models.xpander.attributes import ANSWERS, NAMESPACE
from infinium_otel.models.xpander.documents import task_or_none
from infinium_otel.models.xpander.event_spans import (
    Running,
    Seen,
    data_attributes,
    late,
    run_span,
    thought,
    tool_span,
    trigger,
    unanswered,
)
from infinium_otel.models.xpander.events import (
    TaskUpdateEvent,
    ToolCallRequest,
    ToolCallResult,
)
from infinium_otel.records import SpanEvent, SpanRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

THOUGHTS = frozenset({"think", "analyze"})


class EventReader:
    """Turns a stream of events into ended spans as they come in.

    Spans leave as soon as they end: a tool's with its result, the run's own with the
    task. The same events always give the same ids.

    Args:
        start_ns: when events happened that say no time, ns since the epoch.
        capture_content: False leaves out prompts, answers, arguments and results;
            lengths, counts and ids stay.
    """

    def __init__(self, *, start_ns: int = 0, capture_content: bool = True) -> None:
        self._start_ns = start_ns
        self._capture_content = capture_content
        self._seen = 0
        self._runs: dict[str, Running] = {}

    def feed(self, event: TaskUpdateEvent) -> list[SpanRecord]:
        """The spans that *event* ends; mostly none or one."""
        return self._shown(self._ended_by(event))

    def _shown(self, spans: list[SpanRecord]) -> list[SpanRecord]:
        return spans if self._capture_content else without_content(spans, ANSWERS)

    def _ended_by(self, event: TaskUpdateEvent) -> list[SpanRecord]:
        run = self._run(event)
        told = to_ns(event.time)
        at_ns = run.latest_ns if told is None else told
        run.latest_ns = max(run.latest_ns, at_ns)
        seen = Seen(self._seen, event, at_ns)
        self._seen += 1
        if isinstance(event.data, ToolCallRequest):
            return self._asked(run, seen, event.data)
        if isinstance(event.data, ToolCallResult):
            return self._answered(run, seen, event.data)
        if event.type in THOUGHTS:
            return [thought(run, seen)]
        if event.type == "sub_agent_trigger":
            return [trigger(run, seen)]
        return self._told(run, seen)

    def finish(self) -> list[SpanRecord]:
        """What is left when no event follows: unanswered tools, unfinished tasks."""
        found: list[SpanRecord] = []
        for run in self._runs.values():
            found += unanswered(run)
            if not run.ended:
                found.append(run_span(run))
                run.ended = True
        return self._shown(found)

    def _run(self, event: TaskUpdateEvent) -> Running:
        run = self._runs.get(event.task_id)
        if run is None:
            trace_id = trace_id_of(event.task_id, NAMESPACE)
            told = to_ns(event.time)
            start_ns = self._start_ns if told is None else told
            root_id = span_id_of(trace_id, "task", event.task_id)
            run = Running(trace_id, root_id, start_ns, start_ns)
            self._runs[event.task_id] = run
        return run

    def _asked(
        self, run: Running, seen: Seen, request: ToolCallRequest
    ) -> list[SpanRecord]:
        before = run.waiting.pop(request.request_id, None)
        run.waiting[request.request_id] = (seen, request)
        return [tool_span(run, before, None)] if before else []

    def _answered(
        self, run: Running, seen: Seen, result: ToolCallResult
    ) -> list[SpanRecord]:
        key = result.request_id
        if key not in run.waiting and result.tool_call_id is not None:
            same = (
                name
                for name, (_, request) in run.waiting.items()
                if request.tool_call_id == result.tool_call_id
            )
            key = next(same, key)
        return [tool_span(run, run.waiting.pop(key, None), (seen, result))]

    def _told(self, run: Running, seen: Seen) -> list[SpanRecord]:
        """Anything else is an event on the run's span, or a span after its end."""
        event = seen.event
        attributes = data_attributes(seen)
        if run.ended:
            return [late(run, seen, attributes)]
        run.events.append(SpanEvent(f"xpander.{event.type}", seen.at_ns, attributes))
        if event.type.startswith("task_"):
            run.task = task_or_none(event.data) or run.task
        if event.type != "task_finished":
            return []
        run.ended = True
        return [*unanswered(run), run_span(run)]


def from_events(
    events: Iterable[TaskUpdateEvent],
    *,
    start_ns: int = 0,
    capture_content: bool = True,
) -> list[SpanRecord]:
    """The spans of a whole stream, by start, the enclosing first.

    `EventReader` makes them while the events come in.

    Args:
        start_ns: when events happened that say no time, ns since the epoch.
        capture_content: as `EventReader` takes it.
    """
    reader = EventReader(start_ns=start_ns, capture_content=capture_content)
    found = [span for event in events for span in reader.feed(event)]
    found += reader.finish()
    return sorted(found, key=lambda s: (s.start_ns, -s.end_ns, s.parent_id is not None))
