"""A run of HUD 0.6 to spans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infinium_otel.models import parts
from infinium_otel.models.documents import dump
from infinium_otel.models.facts import FACTS, attach_orphans, read_failure, restore_span
from infinium_otel.models.hud import v06
from infinium_otel.models.hud.attributes import (
    PROVIDERS,
    SCOPE,
    find_times,
    make_evaluation_events,
    make_trace_id,
    read_subscores,
)
from infinium_otel.models.hud.v06.step_spans import (
    skeleton,
    to_chat_span,
    to_step_failure,
    to_task_span,
    to_tool_span,
)
from infinium_otel.models.spans import (
    finalize,
    find_earliest_ns,
    json_object,
    make_span_id,
    to_json,
)
from infinium_otel.records import Failure, SpanEvent, SpanRecord

EVENT_SOURCES = frozenset({"user", "system"})
"""Sources whose steps are not work: they become events on the run's span."""

ROBOTS = frozenset({"observation", "inference", "video_segment"})


def to_spans(
    run: v06.Run,
    *,
    start_ns: int = 0,
    agent_type: str | None = None,
    carrier_bytes: int = 0,
) -> list[SpanRecord]:
    """The spans of *run*: its root first, then its steps in order.

    Args:
        run: the trajectory with its grade.
        start_ns: start of a run whose steps have no times, ns since the epoch.
        agent_type: HUD's agent type ("claude"); it determines the provider.
        carrier_bytes: a step whose JSON is at most this long is attached complete, as
            `hud.payload`, which keeps what no attribute can hold (`raw`, `sample`). A
            robot's step is always attached.
    """
    trace_id = make_trace_id(run.trace.trace_id, dump(run))
    writer = _SpanWriter(trace_id, agent_type, carrier_bytes)
    times = (t for step in run.trace.steps for t in (step.started_at, step.ended_at))
    start_ns = find_earliest_ns(times, start_ns)
    root = writer.trace(run.trace, None, start_ns, "run")
    return [_add_grade(root, run), *attach_orphans(writer.spans, root.span_id)]


def _add_grade(root: SpanRecord, run: v06.Run) -> SpanRecord:
    attributes = {
        **root.attributes,
        "hud.job_id": run.job_id,
        "hud.group_id": run.group_id,
    }
    grade = run.grade
    if grade is None:
        return finalize(replace(root, attributes=attributes))
    attributes |= {
        "hud.trace.reward": grade.reward,
        "hud.trace.done": grade.done,
        "hud.grade": to_json(dump(grade)),
    }
    scored = make_evaluation_events(
        grade.reward, read_subscores(grade.raw), root.end_ns
    )
    events = (*root.events, *scored)
    return finalize(replace(root, attributes=attributes, events=events))


class _SpanWriter:
    """Builds the spans of one run."""

    def __init__(self, trace_id: str, agent_type: str | None, carrier: int) -> None:
        self.trace_id = trace_id
        self.agent_type = agent_type
        self.provider = PROVIDERS.get(agent_type or "")
        self.carrier = carrier
        self.spans: list[SpanRecord] = []

    def trace(
        self, trace: v06.Trace, parent_id: str | None, start_ns: int, path: str
    ) -> SpanRecord:
        """The span of a trajectory; the spans of its steps are added to `spans`."""
        facts = json_object(trace.extra.get(FACTS)) or {}
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=make_span_id(self.trace_id, path),
            parent_id=parent_id,
            name="invoke_agent",
            start_ns=start_ns,
            end_ns=start_ns,
            attributes=self._trace_attributes(trace),
            scope_name=SCOPE,
        )
        draft, failure = restore_span(
            draft, {**facts, "start_ns": None, "end_ns": None}
        )
        first = len(self.spans)
        events = self._steps(trace, draft.span_id, start_ns, path)
        draft = _cover(draft, self.spans[first:], events)
        draft, _ = restore_span(
            draft, {k: facts.get(k) for k in ("start_ns", "end_ns")}
        )
        return finalize(draft, failure or _trace_failure(trace))

    def _trace_attributes(self, trace: v06.Trace) -> dict[str, Any]:
        return {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": self.provider,
            "hud.agent.type": self.agent_type,
            "hud.model": "0.6",
            "hud.task_run_id": trace.trace_id,
            "hud.trace.status": trace.status,
            "hud.trace.stop_reason": trace.stop_reason,
            "hud.trace.extra": to_json(dump(trace.extra)) if trace.extra else None,
            "gen_ai.input.messages": _prompt(trace),
            "gen_ai.output.messages": parts.write_final_message(trace.content),
        }

    def _steps(
        self, trace: v06.Trace, root_id: str, start_ns: int, path: str
    ) -> list[SpanEvent]:
        events = []
        for order, step in enumerate(trace.steps):
            record = self._step(step, root_id, start_ns, f"{path}.{order}")
            start_ns = max(start_ns, record.end_ns)
            attributes = {**record.attributes, "hud.step.order": order}
            if step.source in EVENT_SOURCES and FACTS not in step.extra:
                # An event has only one time.
                attributes["hud.step.times"] = to_json([step.started_at, step.ended_at])
                events.append(SpanEvent("hud.step", record.start_ns, attributes))
            else:
                self.spans.append(replace(record, attributes=attributes))
        return events

    def _step(
        self, step: v06.Step, root_id: str, earliest_ns: int, path: str
    ) -> SpanRecord:
        start_ns, end_ns, timed = find_times(
            step.started_at, step.ended_at, earliest_ns
        )
        draft = SpanRecord(
            trace_id=self.trace_id,
            span_id=make_span_id(self.trace_id, path),
            parent_id=root_id,
            name=f"step.{step.source}",
            start_ns=start_ns,
            end_ns=end_ns,
            attributes={**self._payload_attributes(step), **skeleton(step), **timed},
            scope_name=SCOPE,
        )
        draft, failure = restore_span(
            self._convert_kind(draft, step, path), step.extra.get(FACTS)
        )
        return finalize(draft, failure or to_step_failure(step))

    def _payload_attributes(self, step: v06.Step) -> dict[str, Any]:
        if not self.carrier and step.source not in ROBOTS:
            return {}
        whole = to_json(dump(step, nulls=False))
        fits = (
            step.source in ROBOTS
            or len(whole.encode(errors="surrogatepass")) <= self.carrier
        )
        return {"hud.payload": whole} if fits else {}

    def _convert_kind(self, draft: SpanRecord, step: v06.Step, path: str) -> SpanRecord:
        if isinstance(step, v06.AgentStep):
            return to_chat_span(draft, step, self.provider)
        if isinstance(step, v06.ToolStep):
            return to_tool_span(draft, step)
        if isinstance(step, v06.SubagentStep):
            return self._subagent(draft, step, path)
        return to_task_span(draft, step.task_call) if step.task_call else draft

    def _subagent(
        self, draft: SpanRecord, step: v06.SubagentStep, path: str
    ) -> SpanRecord:
        """Merge the nested run's span with the step's."""
        draft, _ = restore_span(draft, step.extra.get(FACTS))
        root = self.trace(step.subagent, draft.parent_id, draft.start_ns, f"{path}.sub")
        for order, record in enumerate(self.spans):
            if record.parent_id == root.span_id:
                self.spans[order] = replace(record, parent_id=draft.span_id)
        given = "hud.step.times" not in draft.attributes
        return replace(
            draft,
            name=root.name,
            end_ns=draft.end_ns if given else max(draft.end_ns, root.end_ns),
            attributes={**root.attributes, **draft.attributes},
            events=root.events,
            status=root.status,
            status_message=root.status_message,
        )


def _prompt(trace: v06.Trace) -> str | None:
    """The texts of the user's steps before the first turn."""
    candidates = []
    for step in trace.steps:
        if step.source not in EVENT_SOURCES:
            break
        candidates += (
            [_prompt_part(item) for item in step.messages]
            if step.source == "user"
            else []
        )
    found = [part for part in candidates if part]
    return to_json([parts.message("user", found)]) if found else None


def _prompt_part(item: Any) -> parts.Part | None:
    content = item.get("content") if isinstance(item, dict) else None
    text = content.get("text") if isinstance(content, dict) else None
    return parts.text_part(text) if isinstance(text, str) else None


def _cover(
    draft: SpanRecord, spans: list[SpanRecord], events: list[SpanEvent]
) -> SpanRecord:
    """*draft* from the start of its first child to the end of its last."""
    starts = [record.start_ns for record in spans] + [e.time_ns for e in events]
    ends = [record.end_ns for record in spans] + [e.time_ns for e in events]
    return replace(
        draft,
        start_ns=min(starts, default=draft.start_ns),
        end_ns=max(ends, default=draft.end_ns),
        events=tuple(events),
    )


def _trace_failure(trace: v06.Trace) -> Failure | None:
    """The failure of a run, by its status; a tool's failure is not the run's."""
    failure = read_failure((json_object(trace.extra.get(FACTS)) or {}).get("failure"))
    if failure or trace.status != "error":
        return failure
    errors = [step.error for step in trace.steps if step.error]
    return Failure("error", errors[-1] if errors else "")
